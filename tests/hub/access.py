"""Who may do what at the Hub: tokens, namespaces and private repositories."""

from collections.abc import Mapping

from starlette.requests import Request

from tests.hub.store import Account, HubError, Repo, Store


class Access:
    """The accounts of the Hub by their tokens."""

    def __init__(self, store: Store, accounts: Mapping[str, Account]) -> None:
        self.store, self.accounts = store, accounts

    def account(self, request: Request) -> Account:
        found = self._known(request)
        if found is None:
            raise HubError(401, "Invalid username or password.")
        return found

    def written(self, request: Request) -> Repo:
        """The repository of a request that writes to it."""
        account, repo = self.account(request), self.read(request)
        if repo.id.split("/")[0] not in account.namespaces:
            raise HubError(403, "Forbidden: you must be a collaborator of this dataset to write to it")
        return repo

    def read(self, request: Request) -> Repo:
        """The repository of a request that reads it: nobody but its owners is told that a private one is there."""
        name = f"{request.path_params['namespace']}/{request.path_params['name']}"
        repo, account = self.store.repo(name), self._known(request)
        if repo.private and (account is None or name.split("/")[0] not in account.namespaces):
            raise HubError(404 if account else 401, "Repository not found", "RepoNotFound")
        return repo

    def _known(self, request: Request) -> Account | None:
        return self.accounts.get(request.headers.get("authorization", "").removeprefix("Bearer "))
