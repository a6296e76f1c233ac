import { parseJson, record } from '../../../core/json.ts';
import { field } from '../../../core/object.ts';
import { looksRandom } from './assignments.ts';
import type { Literal } from './secret.ts';

const STATE = /\.tfstate(?:\.backup)?$/;
const POSTMAN = /\.postman_(?:environment|globals)\.json$/;

/** A value with its name, as a file says it. */
type Named = readonly [name: string, value: unknown];

/** Secrets in files that programs write and that say themselves what is one: states of Terraform, environments of Postman. */
export function findExported(path: string, text: string): readonly Literal[] {
  const read = STATE.test(path) ? secretsOfState : POSTMAN.test(path) ? secretsOfPostman : undefined;
  if (read === undefined) return [];
  return read(parseJson(text)).flatMap(([name, value]): readonly Literal[] =>
    typeof value === 'string' && value.length >= 8 && looksRandom('password', value)
      ? [{ kind: 'assignment', name, value, index: indexOf(text, value) }]
      : [],
  );
}

/** Attributes that a provider calls sensitive, outputs that are so, and what `random_password` made. */
function secretsOfState(state: unknown): readonly Named[] {
  const outputs = Object.entries(record(field(state, 'outputs')))
    .filter(([, output]) => field(output, 'sensitive') === true)
    .map(([name, output]): Named => [name, field(output, 'value')]);
  const attributes = listOf(field(state, 'resources')).flatMap((resource) =>
    listOf(field(resource, 'instances')).flatMap((instance) => {
      const paths = listOf(field(instance, 'sensitive_attributes')).map((steps) =>
        listOf(steps).map((step) => String(field(step, 'value'))),
      );
      if (field(resource, 'type') === 'random_password') paths.push(['result']);
      return paths.map((path): Named => {
        const value = path.reduce<unknown>(field, field(instance, 'attributes'));
        return [path.at(-1) ?? '', value];
      });
    }),
  );
  return [...outputs, ...attributes];
}

function secretsOfPostman(environment: unknown): readonly Named[] {
  return listOf(field(environment, 'values'))
    .filter((value) => field(value, 'type') === 'secret')
    .map((value): Named => [String(field(value, 'key')), field(value, 'value')]);
}

/** Go writes some characters as escapes that others leave as they are. */
function indexOf(text: string, value: string): number {
  const written = JSON.stringify(value).slice(1, -1);
  const escaped = written.replace(
    /[<>&]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return Math.max(0, text.indexOf(written), text.indexOf(escaped));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
