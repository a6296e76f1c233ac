import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readProtoFile } from '../../../src/kinds/generators/connect/proto-file.ts';
import { pythonClient } from '../../../src/kinds/generators/connect/python.ts';
import type { Kind } from '../../../src/kinds/kind.ts';
import { nameFault } from '../../../src/repository/primitive-names.ts';
import { PAYMENTS } from '../../support/payments-proto.ts';
import { partOf } from '../../support/sample.ts';
import { type Postgres, startPostgres } from '../../support/services/postgres.ts';
import { run } from '../../support/services/run.ts';
import {
  type Case,
  type Files,
  kindOf,
  nodeModules,
  PATH,
  platformTests,
  reference,
  runSuite,
  sampleDomain,
  scaffold,
  syncPython,
  writeFiles,
} from './python-ts-kinds-workbench.ts';

/** How a kind's own toolchain is asked. */
interface Toolchain {
  /** Makes the dependencies of `files` available in `folder`. */
  install(folder: string, files: Files): Promise<void>;
  /** Formats, lint and types of one or more primitives; throws what the tools say. */
  check(...folders: readonly string[]): Promise<void>;
  /** Runs a suite with its arguments from `kind.yaml`. */
  suite(folder: string, args: readonly string[]): Promise<readonly Case[]>;
  /** What only an assertion's report has in it. */
  readonly assertion: RegExp;
  /** Names that could be mistaken for something else, and the longest. */
  readonly names: readonly string[];
}

/** Of no other test's agent: in the environment that they share, Python knows one package of a name. */
const NAME = 'invoices';
const LONGEST = 'a234567890-b234567890-c234567890-d234567';
const MARKER = 'AMEIDE_SCAFFOLD';
const MINUTES = 60_000;

let folders: string;
let postgres: Postgres;

beforeAll(async () => {
  folders = await mkdtemp(join(tmpdir(), 'kinds-'));
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres?.stop();
  await rm(folders, { recursive: true, force: true });
});

const python: Toolchain = {
  // An agent takes seconds to start, and its suite starts many.
  names: partOf(['json', 'list', 's3-a1b', LONGEST], 4),
  assertion: /\bAssertionError\b|^E +assert /m,
  install: syncPython,
  async check(...some) {
    for (const folder of some) {
      await run('.venv/bin/ruff', ['format', '--check', '.'], { cwd: folder });
      await run('.venv/bin/ruff', ['check', '.'], { cwd: folder });
    }
    const project = await pyrightProject(some);
    // Not by its script, which names the Python of the folder that the shared environment was installed from.
    const pyright = ['-m', 'basedpyright', '--project', project, '--pythonpath', '.venv/bin/python'];
    await run('.venv/bin/python', pyright, { cwd: some[0] ?? '' });
  },
  suite(folder, args) {
    const program = join(folder, '.venv/bin/python');
    return runSuite(folder, program, (report) => ['-m', 'pytest', '-q', ...args, `--junitxml=${report}`], {
      TEST_POSTGRES_URL: postgres.url,
    });
  },
};

const typescript: Toolchain = {
  names: partOf(['async', 'undefined', LONGEST, 'warehouse-inventory-reservation-requests'], 4),
  assertion: /\[ERR_ASSERTION\]/,
  async install(folder, files) {
    const modules = await nodeModules(bytesOf(files, 'package.json'), bytesOf(files, 'package-lock.json'));
    await symlink(modules, join(folder, 'node_modules'));
  },
  async check(...some) {
    for (const folder of some) {
      await run('node_modules/.bin/biome', ['ci', '--colors=off', '.'], { cwd: folder });
      await run('node_modules/.bin/tsc', [], { cwd: folder });
    }
  },
  suite(folder, args) {
    return runSuite(
      folder,
      process.execPath,
      (report) => ['--test', '--test-reporter=junit', `--test-reporter-destination=${report}`, ...args],
      { TEST_CHROMIUM: '/usr/bin/chromium' },
    );
  },
};

/** A project of several primitives with the settings that each has: what they import is read once for all of them. */
async function pyrightProject(some: readonly string[]): Promise<string> {
  const names = some.map((folder) => basename(folder));
  const file = join(folders, 'pyright.json');
  const project = {
    extends: `${names[0]}/pyproject.toml`,
    include: names,
    exclude: ['**/.venv'],
    executionEnvironments: names.map((root) => ({ root, extraPaths: [`${root}/src`, `${root}/tests`] })),
  };
  await writeFile(file, JSON.stringify(project));
  return file;
}

function bytesOf(files: Files, path: string): Uint8Array {
  const file = files.get(path);
  if (file === undefined) throw new Error(`the kind writes no ${path}`);
  return file.bytes;
}

function textOf(files: Files, path: string): string {
  return Buffer.from(bytesOf(files, path)).toString();
}

describe.each([
  ['agent', python],
  ['uisurface', typescript],
] as const)('%s', (kindName, toolchain) => {
  let kind: Kind;

  // One of the agents calls a domain: they share an environment.
  const calls = (name: string) => kindName === 'agent' && name === toolchain.names[0];

  async function made(name: string): Promise<{ folder: string; files: Files }> {
    const source = calls(name) ? await sampleDomain('sales', 'order-line') : undefined;
    const files = await scaffold(kind, name, source);
    const folder = await mkdtemp(join(folders, `${kindName}-`));
    await writeFiles(folder, files);
    await toolchain.install(folder, files);
    return { folder, files };
  }

  let implemented: string;
  /** Fresh scaffolds by name. */
  const fresh = new Map<string, { folder: string; files: Files }>();
  beforeAll(async () => {
    kind = await kindOf(kindName);
    implemented = (await made(NAME)).folder;
    await writeFiles(implemented, await reference(kind, NAME));
    for (const name of toolchain.names) fresh.set(name, await made(name));
  }, 10 * MINUTES);

  test(
    'fresh scaffolds, of any name, and the reference implementation check clean',
    async () => {
      expect(toolchain.names.map((name) => nameFault(name, kind.names))).toEqual(
        toolchain.names.map(() => undefined),
      );
      // At once, because what they import is read once then.
      await toolchain.check(implemented, ...[...fresh.values()].map(({ folder }) => folder));
    },
    10 * MINUTES,
  );

  test.each(toolchain.names)(
    'of a fresh scaffold, %s, exactly the red cases fail, each by an assertion that shows the marker',
    async (name) => {
      const { folder = '', files = new Map() } = fresh.get(name) ?? {};
      const carriers = [...files].filter(([path]) => textOf(files, path).includes(MARKER));
      expect(carriers.length).toBeGreaterThan(0);
      expect(carriers.map(([path, { owner }]) => [/^(tests?|integration)\//.test(path), owner])).toEqual(
        carriers.map(() => [false, 'impl']),
      );
      for (const { id, args, cases } of (kind.suites ?? []).filter((suite) => suite.cases !== undefined)) {
        const got = await toolchain.suite(folder, args);
        const written = cases?.filter((each) => each.with === undefined || calls(name)) ?? [];
        expect(states(got), id).toEqual(sorted(written.map((each) => [each.id, each.state])));
        for (const { id: title, report } of got.filter(({ outcome }) => outcome === 'failed')) {
          expect(report, title).toContain(MARKER);
          expect(report, title).toMatch(toolchain.assertion);
        }
      }
      if (calls(name)) expect(await sendPayment(folder)).toEqual(PAYMENT);
    },
    10 * MINUTES,
  );

  test(
    'shared code is generated, and passes its own tests in an implemented primitive',
    async () => {
      const shared = [...(await scaffold(kind, NAME))].filter(([path]) => path.includes('/platform/'));
      expect(shared.length).toBeGreaterThan(8);
      for (const [path, { owner, bytes }] of shared)
        expect([path, owner, Buffer.from(bytes).toString().split('\n')[0]]).toEqual([
          path,
          'generated',
          expect.stringMatching(/^(?:#|\/\/) Code generated by primitive generate\. DO NOT EDIT\.$/),
        ]);
      const tests = await platformTests(kind, NAME);
      await writeFiles(implemented, tests);
      await toolchain.check(implemented);
      const got = await toolchain.suite(
        implemented,
        [...tests.keys()].filter((path) => /\/(?:test_\w+\.py|[\w-]+\.test\.ts)$/.test(path)),
      );
      expect(got.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
      expect(got.length).toBeGreaterThan(15);
    },
    10 * MINUTES,
  );

  // Its suites run in test/e2e/verify.test.ts.
  test('the reference implementation replaces stubs only', async () => {
    const [written, files] = [await reference(kind, NAME), await scaffold(kind, NAME)];
    const stubs = [...files.keys()].filter((path) => textOf(files, path).includes(MARKER));
    expect([...written.keys()]).toEqual(stubs);
    expect([...written.keys()].filter((path) => textOf(written, path).includes(MARKER))).toEqual([]);
  });

  test('the lock file names the public registry or none, and holds a hash for each package', async () => {
    const files = await scaffold(kind, 'orders');

    const locks = [...files.keys()].filter((path) => /\block(\.json)?$/.test(path));
    expect(locks).toHaveLength(1);
    for (const path of locks) {
      const text = textOf(files, path);
      const { packages, hashed } = entriesOf(text);
      expect(packages).toBeGreaterThan(20);
      expect(hashed).toBe(packages);
      expect(text).not.toContain('"resolved"');
      const hosts = [...text.matchAll(/(?:registry|url) = "https:\/\/([^/"]+)/g)].map(([, host]) => host);
      expect(hosts.filter((host) => !PUBLIC.includes(host ?? ''))).toEqual([]);
    }
  });
});

/** What a client for a proto file of one's own sends and reads, with the packages of an agent. */
async function sendPayment(folder: string): Promise<readonly string[]> {
  const client = join(folder, 'payments');
  await mkdir(client);
  await writeFile(
    join(client, '__init__.py'),
    pythonClient(readProtoFile(PAYMENTS, 'pay.proto'), 'pay.proto'),
  );
  await writeFile(join(folder, 'pay.py'), PROGRAM);
  const out = await run('.venv/bin/python', ['-W', 'error', 'pay.py'], { cwd: folder, env: { PATH } });
  return out.trimEnd().split('\n');
}

const PROGRAM = `import asyncio
from payments import Call_, Payment, Payment_Line, payment_api

ANSWER = b"""{"id":"p1","state":"STATE_OPEN","lines":[{"cents":"9007199254740993","parts":["18446744073709551615"]}],
  "dueTime":"2030-01-02T03:04:05Z","details":{"a":1},"call":{"id":"c1"},"card":"+/8=","newer":true}"""

async def call(method, body, context):
    print(context, method, body.decode())
    return ANSWER

async def main():
    api = payment_api(call)
    sent = Payment(id="p1", lines=[Payment_Line(cents=9007199254740993)], card=bytes([251, 255]), from_="x")
    got = await api.pay(sent, "alice")
    print(got.state, got.lines[0], got.due_time, got.details, got.card, got.json_)
    assert isinstance(got.call, Call_)
    print(await api.reset({}, "alice") == await api.reset({}, "alice"))

asyncio.run(main())
`;

const PAYMENT = [
  'alice acme.payments.v1.payment_api/pay {"id":"p1","lines":[{"cents":9007199254740993}],"card":"-_8=","from":"x"}',
  "STATE_OPEN cents=9007199254740993 parts=[18446744073709551615] note=None 2030-01-02 03:04:05+00:00 {'a': 1} b'\\xfb\\xff' 0",
  'alice acme.payments.v1.payment_api/Reset {}',
  'alice acme.payments.v1.payment_api/Reset {}',
  'True',
];

test(
  'other texts and another layout turn no test red, and `npm run dev` follows a change of style',
  async () => {
    const kind = await kindOf('uisurface');
    const files = new Map([...(await scaffold(kind, 'orders')), ...(await reference(kind, 'orders'))]);
    const folder = await mkdtemp(join(folders, 'uisurface-'));
    await writeFiles(folder, files);
    await typescript.install(folder, files);
    const edit = async (path: string, from: string, to: string) => {
      const text = await readFile(join(folder, path), 'utf8');
      expect(text, path).toContain(from);
      await writeFile(join(folder, path), text.replace(from, to));
    };
    await edit('src/pages/layout.tsx', '<main', '<aside>Sale</aside>\n          <main');
    await edit('src/pages/text.ts', 'Enter a title', 'Gib einen Titel ein');
    await edit('src/pages/text.ts', "LANGUAGE = 'en'", "LANGUAGE = 'de'");
    for (const { args } of kind.suites ?? []) {
      expect(states(await typescript.suite(folder, args)).filter(([, state]) => state !== 'green')).toEqual(
        [],
      );
    }

    const env = {
      ...process.env,
      PATH,
      PORT: '0',
      COMMANDS_URL: 'http://127.0.0.1:1',
      QUERIES_URL: 'http://127.0.0.1:1',
      ACCEPT_PROXY: 'anyone:acme',
    };
    // Leads a group of its own, because npm starts others.
    const dev = spawn('npm', ['run', 'dev'], {
      cwd: folder,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const lines = createInterface(dev.stdout)[Symbol.asyncIterator]();
      await styleOf(lines);
      await writeFile(join(folder, 'public/style.css'), 'main { color: red }');
      expect(await styleOf(lines)).toBe('main { color: red }');
    } finally {
      if (dev.pid !== undefined) process.kill(-dev.pid, 'SIGKILL');
    }
  },
  10 * MINUTES,
);

test('a surface asks for the rest of a list, and takes 400 for a fault of what was entered', async () => {
  const kind = await kindOf('uisurface');
  const folder = await mkdtemp(join(folders, 'uisurface-'));
  const files = new Map([...(await scaffold(kind, 'orders')), ...(await reference(kind, 'orders'))]);
  await writeFiles(folder, files);
  await typescript.install(folder, files);
  const { createSdk } = await import(join(folder, 'src/sdk/client.ts'));
  const { callHeaders } = await import(join(folder, 'src/platform/headers.ts'));
  const asked: unknown[] = [];
  const service = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.method === 'POST') response.writeHead(400);
    const created = '2030-01-02T03:04:05Z';
    response.end(JSON.stringify({ orders: [{ id: '1', title: 'First', created }], next: '1' }));
  }).listen(0, '127.0.0.1');
  await once(service, 'listening');
  try {
    const url = new URL(`http://127.0.0.1:${(service.address() as AddressInfo).port}/v1/`);
    const sdk = createSdk({ commandsUrl: url, queriesUrl: url, headers: callHeaders(undefined) });
    const trace = { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`, tracestate: undefined };
    const caller = { tenant: 'acme', subject: 'ann', ...trace, signal: AbortSignal.timeout(MINUTES) };

    const created = new Date('2030-01-02T03:04:05Z');
    expect(await sdk.listOrders(caller)).toEqual({ rows: [{ id: '1', title: 'First', created }], next: '1' });
    await sdk.listOrders(caller, 'a b');
    const refused = sdk.createOrder(caller, { requestId: '1', title: 'bell' });
    await expect(refused).rejects.toMatchObject({ name: 'InputError' });
    expect(asked).toEqual([
      'GET /v1/orders',
      'GET /v1/orders?after=a%20b',
      'POST /v1/acme.domain.orders.v1.OrdersService/CreateOrder',
    ]);
  } finally {
    service.close();
    service.closeAllConnections();
  }
});

/** The style sheet of a surface, as soon as it says on which port it is open. */
async function styleOf(lines: AsyncIterator<string>): Promise<string> {
  for (;;) {
    const { value, done } = await lines.next();
    if (done) throw new Error('it ended');
    const port = /"port":(\d+)/.exec(value)?.[1];
    if (port !== undefined) return (await fetch(`http://127.0.0.1:${port}/style.css`)).text();
  }
}

/** Where uv takes packages from unless it is told otherwise. */
const PUBLIC = ['pypi.org', 'files.pythonhosted.org'];

/** How many packages a lock file of uv or npm has besides the project, and how many of them with a hash. */
function entriesOf(lock: string): { packages: number; hashed: number } {
  const entries = lock.startsWith('{')
    ? lock.split(/^ {4}"node_modules\//m).slice(1)
    : lock
        .split(/^\[\[package\]\]$/m)
        .slice(1)
        .filter((entry) => !entry.includes('editable = "."'));
  const hashed = entries.filter((entry) => /sha512-|hash = "sha256:/.test(entry));
  return { packages: entries.length, hashed: hashed.length };
}

/** `red` for what failed in a test, `green` for what passed; all else as it was called, so that it matches neither. */
function states(cases: readonly Case[]): readonly (readonly [string, string])[] {
  const names: Readonly<Record<string, string>> = { failed: 'red', passed: 'green' };
  return sorted(cases.map(({ id, outcome }) => [id, names[outcome] ?? outcome]));
}

function sorted(pairs: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  return [...pairs].sort(([a], [b]) => (a < b ? -1 : 1));
}
