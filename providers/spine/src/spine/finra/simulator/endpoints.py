"""What each address answers when all goes well."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from spine.finra.simulator.access import Access, RateLimit
from spine.finra.simulator.async_requests import RESULT_PATH, AsyncRequests
from spine.finra.simulator.clock import SimulatorClock
from spine.finra.simulator.datasets import DATASETS, GROUP, ApiDataset, find_dataset
from spine.finra.simulator.faults import FIRST_PAGE_FAULTS, ROW_FAULTS, FaultBoard
from spine.finra.simulator.gateway import weekly_bonds
from spine.finra.simulator.messages import Answer, Request, json_answer
from spine.finra.simulator.options import SimulatorOptions
from spine.finra.simulator.query import read_query
from spine.finra.simulator.records import full_answer, page_answer
from spine.finra.simulator.search import Search

TOKEN_PATH = "/fip/rest/ews/oauth2/access_token"
GATEWAY_PATH = "/otc/transparency/weekly"
_NAMED = "/group/(?P<group>[^/]+)/name/(?P<name>[^/]+)"

Handler = Callable[[Request, str, Mapping[str, str]], Answer]


class Endpoints:
    """A handler takes the request, its id, and the names in its path.

    :param base_url: where the server listens; the start of links unless the options say otherwise.
    """

    def __init__(
        self, options: SimulatorOptions, clock: SimulatorClock, faults: FaultBoard, access: Access, base_url: str
    ) -> None:
        self._options = options
        self._clock = clock
        self._faults = faults
        self._access = access
        self._url = options.public_url or base_url
        self._results_url = options.results_url or base_url
        self._async_limit = RateLimit(options.async_per_minute)
        self._async = AsyncRequests(clock, options.async_polls)
        self._search = Search(options.market, options.weeks, clock)

    def routes(self) -> dict[str, dict[str, Handler]]:
        """Handlers by path pattern, then method."""
        return {
            f"/data{_NAMED}": {"GET": self._rows, "POST": self._rows},
            f"/partitions{_NAMED}": {"GET": self._partitions},
            f"/metadata{_NAMED}": {"GET": self._metadata},
            "/datasets": {"GET": self._datasets},
            f"/async-requests{_NAMED}/(?P<id>[^/]+)": {"GET": self._async_status},
            f"{RESULT_PATH}(?P<id>[^/]+)": {"GET": self._async_result},
            TOKEN_PATH: {"POST": lambda request, request_id, names: self._access.token(request)},
            GATEWAY_PATH: {"GET": self._bonds},
        }

    def _rows(self, request: Request, request_id: str, names: Mapping[str, str]) -> Answer:
        self._access.check(request, data=True)
        dataset = find_dataset(names["group"], names["name"])
        self._access.check_entitlement(request, mock=dataset.mock)
        query = read_query(dataset, request)
        if query.asynchronous:
            self._async_limit.check()
            return self._async.accept(query, request_id, request.path, self._url)
        kinds = ROW_FAULTS if query.offset else FIRST_PAGE_FAULTS
        return page_answer(query, self._search.result(query), self._options, self._faults.take(request.label, kinds))

    def _async_status(self, request: Request, request_id: str, names: Mapping[str, str]) -> Answer:
        self._access.check(request, data=True)
        return self._async.status(names["id"], f"{self._url}{request.path}", self._results_url)

    def _async_result(self, request: Request, request_id: str, names: Mapping[str, str]) -> Answer:
        found = self._async.result(request, names["id"])
        if isinstance(found, Answer):
            return found
        return full_answer(found, self._search.result(found), self._options)

    def _partitions(self, request: Request, request_id: str, names: Mapping[str, str]) -> Answer:
        self._access.check(request, data=False)
        dataset = find_dataset(names["group"], names["name"])
        listed = self._search.partitions() if dataset.partition_fields else []
        return json_answer(
            {
                "datasetGroup": GROUP,
                "datasetName": dataset.name,
                "partitionFields": dataset.partition_fields,
                "availablePartitions": [{"partitions": each} for each in listed],
            }
        )

    def _metadata(self, request: Request, request_id: str, names: Mapping[str, str]) -> Answer:
        self._access.check(request, data=False)
        dataset = find_dataset(names["group"], names["name"])
        return json_answer(
            {
                "datasetGroup": GROUP.upper(),
                "datasetName": dataset.name.upper(),
                "description": dataset.description,
                "partitionFields": dataset.partition_fields,
                "fields": [field.describe() for field in dataset.fields],
            }
        )

    def _datasets(self, request: Request, request_id: str, names: Mapping[str, str]) -> Answer:
        self._access.check(request, data=False)
        group, name = (request.params.get(key, "").lower() for key in ("group", "name"))
        return json_answer(
            [
                _described(dataset)
                for dataset in DATASETS
                if group in ("", GROUP.lower()) and name in ("", dataset.name.lower())
            ]
        )

    def _bonds(self, request: Request, request_id: str, names: Mapping[str, str]) -> Answer:
        self._access.check_gateway_key(request)
        return json_answer(weekly_bonds(self._options.market.seed, request.params, self._clock.now()))


def _described(dataset: ApiDataset) -> dict[str, object]:
    return {"group": GROUP, "name": dataset.name, "description": dataset.description, "status": "Active"}
