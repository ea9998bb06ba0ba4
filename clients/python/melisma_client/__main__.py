"""`python -m melisma_client` is the `melisma` command."""

from melisma_command import main

if __name__ == "__main__":
    main()
