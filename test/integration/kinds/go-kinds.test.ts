import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { entityNames } from '../../../src/kinds/entity.ts';
import { compileBpmn } from '../../../src/kinds/generators/bpmn/compile.ts';
import type { Kind } from '../../../src/kinds/kind.ts';
import { nameForms } from '../../../src/kinds/names.ts';
import { readService } from '../../../src/kinds/proto.ts';
import { type SourcePrimitive, sourceEvents } from '../../../src/kinds/source.ts';
import { ORDER } from '../../support/bpmn-models.ts';
import { PAYMENTS } from '../../support/payments-proto.ts';
import { partOf } from '../../support/sample.ts';
import { type Postgres, startPostgres } from '../../support/services/postgres.ts';
import { attempt, run } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';
import {
  type Files,
  go,
  goEnvironment,
  goTest,
  MARKER,
  platformTests,
  scaffold,
  write,
} from './go-kinds-lab.ts';

let folder: string;
let postgres: Postgres;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'primitive-go-kinds-'));
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres?.stop();
  await rm(folder, { recursive: true, force: true });
});

const text = (files: Files, path: string) => new TextDecoder().decode(files.get(path)?.bytes);
/** PATH with the Go that tests use in front, for programs that start it themselves. */
const goPath = () => `${dirname(tool('go'))}${delimiter}${process.env.PATH}`;
/** Names that could be mistaken for something else, the shortest and the longest. */
const NAMES = [
  'ab',
  's3-a1b',
  'message',
  'string',
  'placeholder',
  'abcdefghijklmnopqrstuvwxyzabcdefghijklmn',
];
const isTest = (path: string) => path.endsWith('_test.go');

type Suites = NonNullable<Kind['suites']>;

/** Runs all suites: case -> its state, and whether its output has the marker. */
async function runSuites(at: string, suites: Suites): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const suite of suites.filter(({ runner }) => runner === 'go-test')) {
    const { cases, trouble } = await goTest(at, suite.args, { TEST_POSTGRES_URL: postgres.url });
    expect(trouble).toBe('');
    for (const [id, { state, output }] of cases) {
      expect(output).not.toMatch(/^panic:|test timed out/m);
      // A red case says in each of its lines why.
      if (output.includes(MARKER))
        expect(
          output.split('\n').filter((line) => /_test\.go:\d+:/.test(line) && !line.includes(MARKER)),
        ).toEqual([]);
      found[`${suite.id} ${id}`] = output.includes(MARKER) ? `${state} with marker` : state;
    }
  }
  return found;
}

/** What the kind says of a scaffold, `with` its input or `without`. */
function expected(suites: Suites, when: readonly ('with' | 'without')[], red = 'fail with marker') {
  return Object.fromEntries(
    suites.flatMap(({ id, cases = [] }) =>
      cases
        .filter((known) =>
          (['with', 'without'] as const).every((word) => known[word] === undefined || when.includes(word)),
        )
        .map((known) => [`${id} ${known.id}`, known.state === 'red' ? red : 'pass']),
    ),
  );
}

describe.each([
  ['domain', 'order-lines'],
  ['projection', 'order-view'],
  ['integration', 'order-tools'],
  ['process', 'order-flow'],
])('%s', (kindName, name) => {
  const at = () => join(folder, kindName);

  test('a fresh scaffold is clean to every tool', async () => {
    const { files } = await scaffold(kindName, name);
    await write(at(), files);
    const clean = { code: 0, stdout: '', stderr: '' };
    expect(await attempt(join(dirname(tool('go')), 'gofmt'), ['-l', '.'], { cwd: at() })).toEqual(clean);
    expect(await go(at(), ['mod', 'tidy', '-diff'])).toMatchObject({ code: 0, stdout: '' });
    expect(await go(at(), ['vet', '-tags=integration', './...'])).toEqual(clean);
    const check = await attempt(tool('staticcheck'), ['-tags=integration', './...'], {
      cwd: at(),
      env: { ...goEnvironment, PATH: goPath() },
    });
    expect(check).toEqual(clean);
  }, 300_000);

  test('exactly the cases that the kind calls red fail, each with the marker in what it got', async () => {
    const { kind, files } = await scaffold(kindName, name);
    await write(at(), files);
    const suites = kind.suites ?? [];
    expect(await runSuites(at(), suites)).toEqual(expected(suites, ['without']));
  }, 300_000);

  test('the marker is in stubs only, each of which a person owns', async () => {
    const { files, reference } = await scaffold(kindName, name);
    const marked = [...files.keys()].filter((path) => text(files, path).includes(MARKER));
    expect(marked).toEqual([...reference.keys()]);
    expect(marked.filter((path) => isTest(path) || files.get(path)?.owner !== 'impl')).toEqual([]);
  });

  // Its suites run in test/e2e/verify.test.ts.
  test('implemented, no test was touched and the code vets', async () => {
    const { files, reference } = await scaffold(kindName, name);
    await write(at(), files);
    await write(at(), reference);
    expect([...reference.keys()].filter(isTest)).toEqual([]);
    expect(await go(at(), ['vet', '-tags=integration', './...'])).toMatchObject({ code: 0 });
  }, 300_000);

  test.each(partOf(NAMES, NAMES.length))(
    'compiles as %s',
    async (straining) => {
      const { files } = await scaffold(kindName, straining);
      const here = join(folder, `${kindName}-${straining}`);
      await write(here, files);
      expect(await go(here, ['vet', '-tags=integration', './...'])).toEqual({
        code: 0,
        stdout: '',
        stderr: '',
      });
      expect((await attempt(join(dirname(tool('go')), 'gofmt'), ['-l', '.'], { cwd: here })).stdout).toBe('');
      if (kindName === 'domain') await expectStubsOf(here, files);
    },
    300_000,
  );

  test('the bytes depend on no time zone, locale, file mask or folder', async () => {
    const digests = await Promise.all([
      digestElsewhere(kindName, name, { TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8' }, '077', '/'),
      digestElsewhere(kindName, name, { TZ: 'America/St_Johns', LC_ALL: 'C' }, '000', folder),
    ]);
    expect(new Set(digests).size).toBe(1);
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
  });

  test('images start from bases with tag and digest', async () => {
    const { it, files } = await scaffold(kindName, name);
    const bases = text(files, 'Dockerfile').matchAll(/^FROM (?:--platform=\S+ )?(\S+)/gm);
    expect([...bases].map(([, base]) => base)).toEqual([it.bases.goBuild, it.bases.goRun]);
  });
});

test('a domain serves an existing proto file', async () => {
  const path = 'proto/acme/billing/v1/billing.proto';
  const repository = join(folder, 'served');
  await mkdir(join(repository, dirname(path)), { recursive: true });
  await mkdir(join(repository, 'proto/acme/common/v1'), { recursive: true });
  await writeFile(join(repository, 'proto/acme/common/v1/money.proto'), MONEY);
  await writeFile(join(repository, path), BILLING);
  const primitive = 'primitives/domain/billing';
  const service = readService({ path, text: BILLING, primitive });
  const { kind, files } = await scaffold('domain', 'billing', { service });
  const at = join(repository, primitive);
  await write(at, files);
  await run(tool('buf'), ['generate'], { cwd: at, env: { GOWORK: 'off', PATH: goPath() } });
  expect((await attempt(join(dirname(tool('go')), 'gofmt'), ['-l', '.'], { cwd: at })).stdout).toBe('');
  expect(await go(at, ['vet', '-tags=integration', './...'])).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await go(at, ['mod', 'tidy', '-diff'])).toMatchObject({ code: 0, stdout: '' });
  const suites = kind.suites ?? [];
  expect(await runSuites(at, suites)).toEqual(expected(suites, ['with']));
}, 300_000);

const MONEY = `syntax = "proto3";
package acme.common.v1;
message Money { int64 units = 1; }
`;

const BILLING = `syntax = "proto3";
package acme.billing.v1;
import "acme/common/v1/money.proto";
import "google/protobuf/empty.proto";
option go_package = "example.com/sdk/billing;billing";

message Invoice {
  message Line { acme.common.v1.Money amount = 1; }
  repeated Line lines = 1;
}

service billing_api {
  rpc GetInvoice(Invoice) returns (Invoice);
  rpc delete_all(google.protobuf.Empty) returns (google.protobuf.Empty) {}
  rpc Watch(v1.Invoice) returns (stream acme.billing.v1.Invoice.Line);
  rpc Upload(stream Invoice.Line) returns (Invoice);
  rpc Store(stream Invoice) returns (stream Invoice);
}
`;

test('a projection takes the events that a proto file declares', async () => {
  const source = { kind: 'domain', name: 'billing', entity: 'billing', proto: INVOICES };
  const events = sourceEvents(INVOICES, 'billing.proto', 'billing');
  const { it: sample } = await scaffold('projection', 'bills');
  const { kind, files } = await scaffold('projection', 'bills', {
    source: {
      ...sample.source,
      ...source,
      ...events,
      names: nameForms('billing'),
      entity: entityNames('billing'),
      package: 'acme.billing.v1',
    },
  });
  const at = join(folder, 'bills');
  await write(at, files);
  expect((await attempt(join(dirname(tool('go')), 'gofmt'), ['-l', '.'], { cwd: at })).stdout).toBe('');
  expect(await go(at, ['vet', '-tags=integration', './...'])).toEqual({ code: 0, stdout: '', stderr: '' });
  const cases = [
    'TestApply',
    'TestApply_StoreError',
    'TestEvent_Invalid',
    'TestEvent_OfEarlierVersions',
    'TestUpcast',
  ];
  const unit = (kind.suites ?? []).filter(({ id }) => id === 'unit');
  expect(await runSuites(at, unit)).toMatchObject(
    Object.fromEntries(
      cases.map((id) => [`unit ${id}`, id.startsWith('TestApply') ? 'fail with marker' : 'pass']),
    ),
  );
}, 300_000);

const INVOICES = `syntax = "proto3";
package acme.billing.v1;
import "primitive/events/v1/events.proto";
message Invoice {
  string number = 1 [(primitive.events.v1.required) = true];
  repeated Line lines = 2;
  google.protobuf.Timestamp due = 3;
  message Line { int64 cents = 1 [(primitive.events.v1.required) = true]; map<string, string> tags = 2; }
}
message InvoiceIssued { option (primitive.events.v1.event) = { subject: "invoice.number" }; Invoice invoice = 1; }
message Closed { option (primitive.events.v1.event) = { type: "acme.billing.closed" }; }`;

test('a process implements an existing BPMN file', async () => {
  const model = await compileBpmn(Buffer.from(ORDER), 'models/order.bpmn');
  const { kind, files } = await scaffold('process', 'billing', { model });
  const at = join(folder, 'implemented');
  await write(at, files);
  expect(text(files, 'bpmn/process.bpmn')).toBe(ORDER);
  expect(text(files, 'internal/gen/model/model.go')).toContain(`Digest = "${model.digest}"`);
  expect((await attempt(join(dirname(tool('go')), 'gofmt'), ['-l', '.'], { cwd: at })).stdout).toBe('');
  expect(await go(at, ['vet', './...'])).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await go(at, ['mod', 'tidy', '-diff'])).toMatchObject({ code: 0, stdout: '' });
  const suites = kind.suites ?? [];
  expect(await runSuites(at, suites)).toEqual(expected(suites, ['with']));

  // With each handler implemented in any way, no test of the scaffold is red.
  const handlers = join(at, 'internal/handlers/handlers.go');
  const stubs = await readFile(handlers, 'utf8');
  // One of them needs a service of its own, whose address has to be set.
  const implemented = stubs
    .replace(/^var err\w+ = errors.*\n/gm, '')
    .replace(/\tif err := errors\.Join[\s\S]*?\n\t\}\n/, '')
    .replace(/, err\w+$/gm, ', nil')
    .replace('\t"errors"\n', '')
    .replace(
      'type Settings struct {\n',
      'type Settings struct {\n\tInvoicesURL config.Address `env:"INVOICES_URL,required,notEmpty"`\n',
    )
    .replace('type Handlers struct {\n', 'type Handlers struct {\n\tInvoices *work.Client\n')
    .replace(
      'return &Handlers{',
      'return &Handlers{Invoices: work.NewClient(&settings.InvoicesURL.URL, client), ',
    );
  expect(implemented.match(/Invoices/g)).toHaveLength(4);
  expect(stubs.match(/AMEIDE_SCAFFOLD/g)).toHaveLength(model.jobs.length);
  await writeFile(handlers, implemented);
  expect(await runSuites(at, suites)).toEqual(expected(suites, ['with'], 'pass'));

  // A job type that is new in the model does not compile until it is handled, and is named.
  const more = ORDER.replace('type="order.label"', 'type="order.label.print"');
  const changed = await scaffold('process', 'billing', {
    model: await compileBpmn(Buffer.from(more), 'models/order.bpmn'),
  });
  await writeFile(
    join(at, 'internal/gen/model/model.go'),
    text(changed.files, 'internal/gen/model/model.go'),
  );
  const { code, stderr } = await go(at, ['build', './...']);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('missing method LabelPrint') });
}, 300_000);

/** What a primitive calls that was scaffolded with `--service`. */
const PAY_DESK: SourcePrimitive = { kind: 'domain', name: 'pay-desk', entity: 'payment', proto: PAYMENTS };

test.each([
  ['process', 'sample', undefined],
  ['process', 'own', PAY_DESK],
  ['integration', 'own', PAY_DESK],
])(
  'a %s calls the API of its source (%s)',
  async (kindName, label, own) => {
    const source = own ?? { kind: 'domain', name: 'sales', entity: 'order' };
    const { kind, it, files } = await scaffold(kindName, 'desk', {}, source);
    const at = join(folder, `${kindName}-of-${label}`);
    await write(at, files);
    expect(files.get('internal/domain/client.go')?.owner).toBe('generated');
    expect(text(files, 'README.md')).toContain(`http://domain-${source.name}-v1:8080`);
    expect(text(files, 'proto/service.proto').trimEnd()).toBe(it.source?.proto.trimEnd());
    const gofmt = join(dirname(tool('go')), 'gofmt');
    expect((await attempt(gofmt, ['-l', '.'], { cwd: at })).stdout).toBe('');
    expect(await go(at, ['vet', './...'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await go(at, ['mod', 'tidy', '-diff'])).toMatchObject({ code: 0, stdout: '' });
    expect(await runSuites(at, kind.suites ?? [])).toEqual(expected(kind.suites ?? [], ['without']));
  },
  300_000,
);

test('a generated client sends and reads the JSON of protobuf', async () => {
  const { it, files } = await scaffold('process', 'desk', {}, PAY_DESK);
  const at = join(folder, 'json-client');
  await write(at, new Map([...files].filter(([path]) => /^(?:go\.|internal\/domain\/)/.test(path))));
  await writeFile(join(at, 'main.go'), CLIENT_PROGRAM.replaceAll('MODULE', it.go?.module ?? ''));
  const { code, stdout, stderr } = await go(at, ['run', '.']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.trimEnd().split('\n')).toEqual([
    'alice acme.payments.v1.payment_api/pay',
    '{"id":"p1","lines":[{"cents":"9007199254740993"}],"card":"AQI="}',
    'STATE_OPEN 9007199254740993 [18446744073709551615] 2030-01-02T03:04:05Z {"a":1} c1',
    'alice acme.payments.v1.payment_api/Reset',
    '{}',
  ]);
}, 300_000);

const CLIENT_PROGRAM = `package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"MODULE/internal/domain"
)

const answer = \`{"id":"p1","state":"STATE_OPEN","lines":[{"cents":"9007199254740993","parts":["18446744073709551615"]}],
	"dueTime":"2030-01-02T03:04:05Z","details":{"a":1},"call":{"id":"c1"},"newer":true}\`

func main() {
	payments := domain.NewPaymentApi(func(_ context.Context, from, method string, in, out any) error {
		sent, err := json.Marshal(in)
		if err != nil {
			return err
		}
		fmt.Println(from, method)
		fmt.Println(string(sent))
		return json.Unmarshal([]byte(answer), out)
	})
	ctx := context.Background()
	in := domain.Payment{ID: "p1", Lines: []domain.Payment_Line{{Cents: 9007199254740993}}, Card: []byte{1, 2}}
	got, err := payments.Pay(ctx, "alice", in)
	if err != nil {
		panic(err)
	}
	fmt.Println(got.State, got.Lines[0].Cents, got.Lines[0].Parts, got.DueTime.Format(time.RFC3339), string(got.Details), got.Call.ID)
	if _, err := payments.Reset(ctx, "alice", struct{}{}); err != nil {
		panic(err)
	}
}
`;

test('the stubs of a domain can be imported, and a new call in them is not implemented yet', async () => {
  const { it, files } = await scaffold('domain', 'orders');
  const at = join(folder, 'exporting');
  await write(join(at, 'domain'), files);
  // A module of its own, as another repository has it.
  const { module = '' } = it.go ?? {};
  const goMod = text(files, 'go.mod').replace(`module ${module}`, 'module example.com/other');
  await mkdir(join(at, 'other'));
  await writeFile(
    join(at, 'other/go.mod'),
    `${goMod}\nrequire ${module} v0.0.0\nreplace ${module} => ../domain\n`,
  );
  await writeFile(join(at, 'other/go.sum'), text(files, 'go.sum'));
  await writeFile(
    join(at, 'other/main.go'),
    `package main\n\nimport pb "${module}/gen/acme/domain/orders/v1"\n\nfunc main() { _ = pb.NewOrdersServiceClient }\n`,
  );
  expect(await go(join(at, 'other'), ['vet', './...'])).toEqual({ code: 0, stdout: '', stderr: '' });

  const stubs = 'gen/acme/domain/orders/v1/service_grpc.pb.go';
  const server = 'type OrdersServiceServer interface {\n';
  await writeFile(
    join(at, 'domain', stubs),
    text(files, stubs).replace(server, `${server}\tNew(context.Context) error\n`),
  );
  const { code, stderr } = await go(join(at, 'domain'), ['build', './cmd/server']);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('missing method New') });
}, 300_000);

test('shared code is the same in all kinds, generated, and passes its own tests', async () => {
  const kinds = await Promise.all(
    ['domain', 'projection', 'integration', 'process'].map((kind) => scaffold(kind, 'ab')),
  );
  const known = new Map<string, string>();
  for (const { it, files } of kinds) {
    const shared = [...files].filter(([path]) => path.startsWith('internal/platform/'));
    expect(shared.length).toBeGreaterThan(5);
    for (const [path, { owner }] of shared) {
      const common = text(files, path).replaceAll(it.go?.module ?? '', 'module');
      expect(common, path).toBe(known.get(path) ?? common);
      known.set(path, common);
      expect([owner, common.split('\n')[0]]).toEqual([
        'generated',
        expect.stringContaining(' Code generated by primitive generate. DO NOT EDIT.'),
      ]);
    }
  }
  // All of it beside its tests, in a service that has what it imports.
  const at = join(folder, 'shared');
  const { files, it } = await scaffold('domain', 'ab');
  await write(at, files);
  await write(at, await platformTests(it.go?.module ?? '', known));
  expect((await attempt(join(dirname(tool('go')), 'gofmt'), ['-l', '.'], { cwd: at })).stdout).toBe('');
  expect(await go(at, ['vet', '-tags=integration', './...'])).toEqual({ code: 0, stdout: '', stderr: '' });
  const args = ['-tags=integration', './internal/platform/...'];
  const { cases, trouble } = await goTest(at, args, { TEST_POSTGRES_URL: postgres.url });
  expect(trouble).toBe('');
  expect([...cases].filter(([, { state }]) => state !== 'pass')).toEqual([]);
  expect(cases.size).toBeGreaterThan(20);
}, 300_000);

/** The stubs in the scaffold are byte for byte what the generator makes of its proto. */
async function expectStubsOf(here: string, files: Files): Promise<void> {
  const environment = { cwd: here, env: { GOWORK: 'off', PATH: goPath() } };
  await run(tool('buf'), ['lint'], environment);
  await rm(join(here, 'gen'), { recursive: true });
  await run(tool('buf'), ['generate'], environment);
  const generated = await readdir(join(here, 'gen'), { recursive: true });
  const stubs = generated.filter((file) => file.endsWith('.go')).map((file) => `gen/${file}`);
  expect(stubs.sort()).toEqual([...files.keys()].filter((file) => file.startsWith('gen/')));
  for (const file of stubs) expect(await readFile(join(here, file), 'utf8')).toBe(text(files, file));
}

/** Digest of all that a scaffold writes, made by a process of its own. */
async function digestElsewhere(
  kind: string,
  name: string,
  env: Readonly<Record<string, string>>,
  mask: string,
  cwd: string,
): Promise<string> {
  const lab = JSON.stringify(join(import.meta.dirname, 'go-kinds-lab.ts'));
  const program = `
    process.umask(0o${mask});
    const { scaffold } = await import(${lab});
    const { files } = await scaffold(${JSON.stringify(kind)}, ${JSON.stringify(name)});
    for (const [path, { bytes, mode, owner }] of files) {
      process.stdout.write(path + '\\0' + mode + owner + '\\0' + Buffer.from(bytes).toString('base64') + '\\0');
    }`;
  const out = await run(process.execPath, ['--input-type=module', '-e', program], { env, cwd });
  expect(out.length).toBeGreaterThan(10_000);
  return createHash('sha256').update(out).digest('hex');
}
