/** The module that pytest loads, beside the file that it writes. */
export const PYTEST_MODULE = 'primitive_pytest_evidence';

/**
 * A plugin of pytest that writes down which cases were collected, before anything deselects them, and which of them had
 * a result. A JUnit report has the latter alone, and counts a case that ended the run as passed.
 */
export const PYTEST_PLUGIN = `import json
import os

_FILE = os.environ.pop("PRIMITIVE_EVIDENCE")
os.environ.pop("PYTHONPATH", None)
_collected = {}
_done = set()


def pytest_itemcollected(item):
    file, line, _ = item.location
    _collected[item.nodeid] = [str(item.path), item.name, (line or 0) + 1]


def pytest_runtest_logreport(report):
    if report.when == "teardown":
        _done.add(report.nodeid)


def pytest_sessionfinish():
    left = [place for node, place in _collected.items() if node not in _done]
    files = sorted({place[0] for place in _collected.values()})
    with open(_FILE, "w", encoding="utf-8") as out:
        json.dump({"files": files, "left": left}, out)
`;
