import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_compute_thread() -> None:
    """Limit torch to one thread, as in a worker process; more threads than free cores make small networks many times
    slower.
    """
    torch.set_num_threads(1)
