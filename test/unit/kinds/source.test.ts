import { expect, test } from 'vitest';
import { ownKinds } from '../../../src/kinds/kind.ts';
import { sampleProto } from '../../../src/kinds/source.ts';

test('the kind says which of its files is the proto file that its primitives serve', async () => {
  const kinds = await ownKinds();
  const [domain, agent] = await Promise.all([kinds.get('domain'), kinds.get('agent')]);
  if (domain === undefined || agent === undefined) throw new Error('a kind is missing');
  const source = { name: 'sales', entity: 'order' };
  const languages = { go: { module: 'github.com/acme/app' }, proto: { package: 'acme' } };
  expect(sampleProto(domain, source, languages)).toMatch(/^package acme\.domain\.sales\.v1;$/m);
  expect(sampleProto(agent, source, languages)).toBeUndefined();
  expect(() => sampleProto({ ...domain, api: 'proto/none.proto.eta' }, source, languages)).toThrow(
    'Cannot read files/proto/none.proto.eta of the kind domain.',
  );
});
