import { readdir, rename, rm } from 'node:fs/promises';
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
  const events = [...proto.matchAll(/^message (\w+(?:Created|Renamed)) \{\n {2}(\w+) (\w+) = 1;/gm)];
  const [, entity = '', field = ''] = events[0]?.slice(1) ?? [];
  const body = new RegExp(`^message ${entity} \\{([^}]*)\\}`, 'm').exec(proto)?.[1] ?? '';
  const json = (snake: string) => snake.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return {
    types: events.map(([, event]) => `${name}.${event}`),
    field: json(field),
    fields: [...body.matchAll(/(\w+) = \d+;/g)].map(([, one = '']) => json(one)),
  };
}

/** The same, as a projection has it. */
function taken(source: string) {
  const tags = [...source.matchAll(/`json:"(\w+)/g)].map(([, tag]) => tag);
  return {
    types: [...source.matchAll(/= "([\w.]+\.v1\.\w+)"/g)].map(([, type]) => type),
    field: tags.at(-1),
    fields: tags.slice(0, -1),
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
  const proto = plan.files.find(({ path }) => path.endsWith('.proto'))?.path ?? '';
  const says = told(await planned(repo.root, proto, { kind: 'domain', ...domain }));
  expect(says).toMatchObject({ types: { length: 2 }, fields: ['id', 'title', 'version', 'createTime'] });
  await scaffold(repo.root, { kind: 'domain', ...domain });
  const source = await planned(repo.root, 'internal/source/source.go', { kind: 'projection', ...projection });
  expect(taken(source)).toEqual(says);
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

test('a domain that serves a proto of its own is no source', async () => {
  await using repo = await scaffoldRepo({
    'proto/acme/billing/v1/api.proto': 'syntax = "proto3";\npackage acme.billing.v1;\nservice Billing {}\n',
  });
  const service = 'proto/acme/billing/v1/api.proto';
  await scaffold(repo.root, { kind: 'domain', name: 'billing', inputs: { service } });
  const asked = prepare(repo.root, {
    kind: 'projection',
    name: 'bills',
    inputs: { source: 'domain/billing' },
  });
  await expect(asked).rejects.toMatchObject({ code: 'source-events' });
});
