import { parseAllDocuments } from 'yaml';
import type { Rule } from '../rule.ts';

const FILE = 'catalog-info.yaml';

export const rule: Rule<'primitive'> = {
  id: 'SHAPE-003',
  level: 'error',
  title: 'Catalog entry does not agree with the folder',
  subject: 'primitive',
  check: async ({ id, path, files }, { tree }) => {
    if (!files.includes(FILE)) return [];
    const name = id.replace('/', '-');
    const file = `${path}/${FILE}`;
    const text = new TextDecoder().decode(await tree.read(file));
    const components = parseAllDocuments(text).flatMap((document) =>
      document.errors.length === 0 && document.get('kind') === 'Component' ? [document] : [],
    );
    const found = components[0]?.getIn(['metadata', 'name']);
    if (components.length === 1 && found === name) return [];
    const count = components.length;
    const what =
      count === 1 ? `is called ${JSON.stringify(found ?? '')}` : `has ${count} entries of kind Component`;
    return [
      {
        message: `Catalog entry of ${id} ${what}, not ${count === 1 ? name : 'a single one'}.`,
        path: file,
        fix: { kind: 'edit', text: `metadata:\n  name: ${name}` },
      },
    ];
  },
};
