import { isTest } from '../../languages/all.ts';
import { goParser } from '../../languages/go/grammar.ts';
import { placeOf, withTree } from '../../languages/grammar.ts';
import type { Scan } from './rule.ts';
import type { HandlerCode } from './subjects.ts';

/** Finds methods that take an `engine.Job` and return an `engine.Completion`, as the generated interface has them. */
export const handlerScan: Scan<'handlerCode'> = {
  subject: 'handlerCode',
  version: 3,
  applies: (path) => path.endsWith('.go') && !isTest(path),
  async scan({ text = '' }) {
    if (!text.includes('engine.Job') && !text.includes('model.Handlers')) return [];
    return withTree(await goParser(), text, (root): readonly HandlerCode[] => {
      const methods = root.descendantsOfType('method_declaration').flatMap((method): HandlerCode[] => {
        const name = method.childForFieldName('name');
        const takesJob = method.childForFieldName('parameters')?.text.includes('engine.Job') === true;
        const completes = method.childForFieldName('result')?.text.includes('engine.Completion') === true;
        return name !== null && takesJob && completes
          ? [{ type: 'method', name: name.text, ...placeOf(name) }]
          : [];
      });
      const isNamed = root.descendantsOfType('qualified_type').some((type) => type.text === 'model.Handlers');
      return isNamed ? [{ type: 'interface' }, ...methods] : methods;
    });
  },
};
