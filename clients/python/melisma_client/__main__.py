"""Runs the `melisma` command as `python -m melisma_client`."""

from melisma_command import main

if __name__ == "__main__":
    main()
