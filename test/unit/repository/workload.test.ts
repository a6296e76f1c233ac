import { expect, test } from 'vitest';
import { deployedAs, workloadFaults } from '../../../src/repository/workload.ts';
import type { Workload } from '../../../src/repository/workload-schema.ts';

const go = { id: 'unit', runner: 'go-test' as const, args: ['./...'] };
const run = { port: 8080, live: '/livez', ready: '/readyz', drainSeconds: 10 };
const http = { http: 8080 };

test.each<[string, Workload]>([
  ['nothing', {}],
  ['suites of one language', { suites: [go, { id: 'vet', runner: 'go-vet', args: ['./...'] }] }],
  ['a run alone', { run }],
  [
    'processes and settings',
    {
      run,
      processes: { serve: { ports: http }, work: { args: ['work'] }, migrate: { once: true } },
      settings: { QUEUE_URL: { of: ['work'], required: true, help: 'where work comes from' } },
    },
  ],
  ['a worker that nobody calls', { processes: { work: {} } }],
  [
    'settings of the one process that there is by default',
    { settings: { A: { of: ['serve'], help: 'what it is' } } },
  ],
])('a primitive may have %s', (_, workload) => {
  expect(workloadFaults(workload, {})).toEqual([]);
});

test.each<[string, Workload, Workload, (string | number)[], RegExp]>([
  ['suites of a kind that has some', { suites: [go] }, { suites: [go] }, ['suites'], /the kind decides/],
  ['probes of a kind that has some', { run }, { run }, ['run'], /the kind decides/],
  [
    'a program by a flag',
    { suites: [{ ...go, args: ['-exec=sh evil.sh'] }] },
    {},
    ['suites', 0, 'args', 0],
    /is given no -exec/,
  ],
  [
    'tests of another primitive',
    { suites: [{ ...go, args: ['../../domain/orders/...'] }] },
    {},
    ['suites', 0, 'args', 0],
    /in the folder of the primitive/,
  ],
  ['a folder as a suite', { suites: [{ ...go, id: '../..' }] }, {}, ['suites', 0, 'id'], /names no suite/],
  ['two suites of one name', { suites: [go, go] }, {}, ['suites', 1, 'id'], /another suite has it/],
  [
    'two languages',
    { suites: [go, { id: 'py', runner: 'pytest', args: [] }] },
    {},
    ['suites'],
    /several languages: go, python/,
  ],
  [
    'a serve that ends',
    { processes: { serve: { once: true, ports: http } } },
    {},
    ['processes', 'serve'],
    /long-running/,
  ],
  [
    'a serve without a port for probes',
    { processes: { serve: { ports: { grpc: 9090 } } } },
    {},
    ['processes', 'serve'],
    /port named http/,
  ],
  ['a run of nothing', { run, processes: { work: {} } }, {}, ['run'], /`processes` has none/],
  ['a probe that is no path', { run: { ...run, ready: '/"; rm' } }, {}, ['run', 'ready'], /not a path/],
  [
    'a setting of an unknown process',
    { processes: { work: {} }, settings: { A: { of: ['constructor'], help: 'what' } } },
    {},
    ['settings', 'A', 'of', 0],
    /is not a process/,
  ],
])('a primitive may not have %s', (_, workload, kind, path, message) => {
  expect(workloadFaults(workload, kind)).toMatchObject([{ path, message: expect.stringMatching(message) }]);
});

test('probes and the drain are of the processes that go on', () => {
  const probes = { live: '/livez', ready: '/readyz', drainSeconds: 10 };
  expect(deployedAs({ run: { ...run, port: 3000 } }).processes).toEqual({
    serve: { ports: { http: 3000 }, ...probes },
  });
  expect(
    deployedAs({ run, processes: { serve: { ports: http }, migrate: { once: true } } }).processes,
  ).toEqual({ serve: { ports: http, ...probes }, migrate: { once: true } });
});
