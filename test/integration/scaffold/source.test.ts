import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { prepare, scaffold, scaffoldRepo } from '../../support/scaffold-world.ts';

/** The text of a file that a scaffold makes. */
async function planned(root: string, path: string, asked: Parameters<typeof prepare>[1]): Promise<string> {
  const { plan, contents } = await prepare(root, asked);
  const digest = plan.files.find((file) => file.path === path)?.digest;
  return new TextDecoder().decode(digest && contents.get(digest));
}

/** What the proto of a domain calls its events, and what is in them. */
function told(proto: string) {
  const [, name] = /^package (.*);$/m.exec(proto) ?? [];
  const events = [
    ...proto.matchAll(/^message (\w+(?:Created|Renamed)) \{\n {2}option .*\n {2}(\w+) (\w+) = 1;/gm),
  ];
  const [, entity = '', field = ''] = events[0]?.slice(1) ?? [];
  const body = new RegExp(`^message ${entity} \\{([^}]*)\\}`, 'm').exec(proto)?.[1] ?? '';
  const json = (snake: string) => snake.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return {
    types: events.map(([, event]) => `${name}.${event}`),
    field: json(field),
    fields: [...body.matchAll(/(\w+) = \d+ /g)].map(([, one = '']) => json(one)),
  };
}

/** The same, as a projection has it. */
function taken(source: string) {
  const tags = [...source.matchAll(/`json:"(\w+)/g)].map(([, tag]) => tag);
  return {
    types: [...source.matchAll(/= "([\w.]+\.v1\.\w+)"/g)].map(([, type]) => type),
    field: tags.at(-1),
    // That of the entity, and one of each event.
    fields: tags.slice(0, -2),
  };
}

test.each([
  [{ name: 'orders' }, { name: 'orders' }],
  [{ name: 'orders' }, { name: 'order-view', inputs: { source: 'domain/orders' } }],
  [
    { name: 'sales', inputs: { entity: 'purchase-order' } },
    { name: 'board', inputs: { source: 'domain/sales', entity: 'card' } },
  ],
])('what a projection takes is what its domain publishes: %j, %j', async (domain, projection) => {
  await using repo = await scaffoldRepo();
  const { plan } = await prepare(repo.root, { kind: 'domain', ...domain });
  const proto = plan.files.find(({ path }) => /^proto\/(?!primitive\/).*\.proto$/.test(path))?.path ?? '';
  const says = told(await planned(repo.root, proto, { kind: 'domain', ...domain }));
  expect(says).toMatchObject({ types: { length: 2 }, fields: ['id', 'title', 'version', 'createTime'] });
  await scaffold(repo.root, { kind: 'domain', ...domain });
  const asked = { kind: 'projection', ...projection };
  expect(taken(await planned(repo.root, 'internal/gen/events/events.go', asked))).toEqual(says);
  const source = await planned(repo.root, 'internal/source/source.go', asked);
  expect(source).toContain(`Source = "/domain/${domain.name}"`);
  const { plan: recorded } = await prepare(repo.root, { kind: 'projection', ...projection });
  expect(recorded.inputs).toMatchObject({ source: `domain/${domain.name}` });
});

test('source and entity are kept, also once the domain is gone', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root, { kind: 'domain', name: 'orders', inputs: { entity: 'purchase' } });
  const view = { kind: 'projection', name: 'view' };
  await scaffold(repo.root, { ...view, inputs: { source: 'domain/orders' } });
  await rm(join(repo.root, 'primitives/domain'), { recursive: true });
  const { plan } = await prepare(repo.root, view);
  expect(plan.inputs).toEqual({ entity: 'purchase', source: 'domain/orders' });
  const again = { ...view, inputs: { entity: 'order' } };
  await expect(prepare(repo.root, again)).rejects.toMatchObject({ code: 'input-changed' });
});

test('a file that was renamed stays away however often scaffold runs, until it is asked for', async () => {
  await using repo = await scaffoldRepo();
  await scaffold(repo.root);
  const folder = join(repo.root, 'primitives/widget/order-lines');
  await rename(join(folder, 'src/order_lines.ts'), join(folder, 'src/lines.ts'));
  for (let round = 0; round < 2; round += 1) {
    const { files } = await scaffold(repo.root);
    const found = files.filter(({ action }) => action !== 'unchanged');
    expect(found).toMatchObject([{ path: 'src/order_lines.ts', action: 'skip', reason: 'was-deleted' }]);
    expect(await readdir(join(folder, 'src'))).toEqual(['lines.ts']);
  }
  await scaffold(repo.root, { restore: true });
  expect(await readdir(join(folder, 'src'))).toEqual(['lines.ts', 'order_lines.ts']);
});

test.each([
  [{ source: 'domain/orders' }, 'source-missing', 'primitives/domain/orders/primitive.yaml is missing'],
  [{ source: 'agent/orders' }, 'input-invalid', 'match domain/*'],
  [{ source: '../orders' }, 'input-invalid', 'match domain/*'],
  [{ entity: 'Order' }, 'input-invalid', 'lower-case'],
  [{ entity: 'stream' }, 'input-invalid', 'meaning of its own'],
])('refused: %j', async (inputs, code, why) => {
  await using repo = await scaffoldRepo();
  const asked = prepare(repo.root, { kind: 'projection', name: 'view', inputs });
  await expect(asked).rejects.toMatchObject({ code, why: expect.stringContaining(why) });
});

const service = 'proto/acme/billing/v1/api.proto';
const BILLING = `syntax = "proto3";
package acme.billing.v1;
import "primitive/events/v1/events.proto";
service Billing {}
message Invoice { string number = 1 [(primitive.events.v1.required) = true]; int64 cents = 2; }
message Issued { option (primitive.events.v1.event) = { subject: "invoice.number" }; Invoice invoice = 1; }
message Paid { option (primitive.events.v1.event).type = "acme.paid"; Invoice invoice = 1; }
message InvoiceCreated { Invoice invoice = 1; }
`;

test('a domain that serves a proto of its own is a source of the events that it declares', async () => {
  await using repo = await scaffoldRepo({ [service]: BILLING });
  await scaffold(repo.root, { kind: 'domain', name: 'billing', inputs: { service } });
  const bills = { kind: 'projection', name: 'bills', inputs: { source: 'domain/billing' } };
  const events = await planned(repo.root, 'internal/gen/events/events.go', bills);
  expect(events).toContain('TypeIssued = "acme.billing.v1.Issued"\n\tTypePaid   = "acme.paid"');
  expect(events).not.toContain('InvoiceCreated');
  expect(await planned(repo.root, 'proto/service.proto', bills)).toBe(BILLING);
  const sample = await planned(repo.root, 'internal/source/source_test.go', bills);
  expect(sample).toContain('Subject: "sample/i1"}, Data: []byte(`{"invoice":{"number":"i1"}}`)');
  expect(await planned(repo.root, 'internal/source/source.go', bills)).not.toContain('func Decode');
});

test.each([{ name: 'bills', inputs: { source: 'domain/billing' } }, { name: 'billing' }])(
  'a domain whose proto declares no events is no source: %j',
  async (asked) => {
    const without = BILLING.replace(/option .*?; /g, '').replace('message InvoiceCreated', 'message Gone');
    await using repo = await scaffoldRepo({ [service]: without });
    await scaffold(repo.root, { kind: 'domain', name: 'billing', inputs: { service } });
    await expect(prepare(repo.root, { kind: 'projection', ...asked })).rejects.toMatchObject({
      code: 'source-events',
      why: expect.stringContaining(service),
    });
  },
);

test('the proto file of a domain is not that of the options, whatever its package is called', async () => {
  await using repo = await scaffoldRepo();
  await repo.write({
    'primitive.config.yaml': (await readFile(join(repo.root, 'primitive.config.yaml'), 'utf8')).replace(
      /proto: .*/,
      'proto: { package: zoo }',
    ),
  });
  await scaffold(repo.root, { kind: 'domain', name: 'sales', inputs: { entity: 'order' } });
  const copy = await planned(repo.root, 'proto/service.proto', {
    kind: 'projection',
    name: 'board',
    inputs: { source: 'domain/sales' },
  });
  expect(copy).toContain('package zoo.domain.sales.v1;');
});
