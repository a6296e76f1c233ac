import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { kindValues } from '../../../../src/features/gitops-init/render.ts';

test('texts of a kind are texts for Helm, too, which reads YAML 1.1', () => {
  const processes = { serve: { args: ['on', 'yes', '1_000', 'serve'] } };
  const [path, text] = kindValues({ kind: 'page', processes });
  expect(path).toBe('sources/values/_kinds/page.yaml');
  for (const version of ['1.1', '1.2'] as const)
    expect(parse(text, { version })).toMatchObject({ processes });
});
