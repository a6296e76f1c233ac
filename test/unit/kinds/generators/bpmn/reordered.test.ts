import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileBpmn } from '../../../../../src/kinds/generators/bpmn/compile.ts';
import { goSource } from '../../../../../src/kinds/generators/bpmn/go.ts';
import { readXml, type XmlElement } from '../../../../../src/kinds/generators/bpmn/xml.ts';
import { ORDER } from '../../../../support/bpmn-models.ts';

const source = async (text: string) =>
  goSource(
    await compileBpmn(Buffer.from(text), 'order.bpmn'),
    'bpmn/process.bpmn',
    'example.com/order/internal/engine',
  );

const document = readXml(ORDER, 'order.bpmn');
if ('findings' in document) throw new Error('the model is no XML');
const { root } = document;

const URIS: Readonly<Record<string, string>> = {
  bpmn: 'http://www.omg.org/spec/BPMN/20100524/MODEL',
  bpmndi: 'http://www.omg.org/spec/BPMN/20100524/DI',
  dc: 'http://www.omg.org/spec/DD/20100524/DC',
  di: 'http://www.omg.org/spec/DD/20100524/DI',
  xsi: 'http://www.w3.org/2001/XMLSchema-instance',
  zeebe: 'http://camunda.org/schema/zeebe/1.0',
  modeler: 'http://camunda.org/schema/modeler/1.0',
  bioc: 'http://bpmn.io/schema/bpmn/biocolor/1.0',
};

/** The model again: everything in another order, with other white space, prefixes and layout, and comments in it. */
function reordered(numbers: () => number): string {
  const pick = <T>(items: readonly T[]): T => {
    const item = items[numbers() % items.length];
    if (item === undefined) throw new TypeError('nothing to pick from');
    return item;
  };
  const shuffled = <T>(items: readonly T[]): T[] =>
    items
      .map((item) => ({ item, at: numbers() }))
      .sort((a, b) => a.at - b.at)
      .map(({ item }) => item);
  const suffix = pick(['', '2', 'x']);
  const name = (known: string) => known.replace(/^(\w+):/, `$1${suffix}:`);
  const gap = () => pick(['', ' ', '\n', '\r\n\t', '<!-- a note -->', '\n\n']);
  const value = (text: string) =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&#x22;');
  const isLayout = (known: string) => /^(bpmndi|dc|di):/.test(known);
  const attribute = (element: XmlElement, [key, text]: [string, string]) => {
    const moved = isLayout(element.name) && /^(x|y|width|height)$/.test(key) ? String(numbers() % 900) : text;
    const typed = key === 'xsi:type' ? name(moved) : moved;
    const other = key === 'exporterVersion' ? '9.9' : typed;
    return `${pick([' ', '\n  '])}${name(key)}=${pick(['"', "'"]) === '"' ? `"${value(other)}"` : `'${value(other).replaceAll("'", '&apos;')}'`}`;
  };
  const write = (element: XmlElement, more: readonly string[] = []): string => {
    const attributes = [...element.attributes].map((entry) => attribute(element, entry));
    const children = shuffled(element.children).map((child) => gap() + write(child));
    const text = element.text === '' ? gap() : value(element.text);
    const tag = name(element.name);
    return `<${tag}${shuffled([...attributes, ...more]).join('')}>${text}${children.join('')}</${tag}>`;
  };
  const declarations = Object.entries(URIS).map(([prefix, uri]) => ` xmlns:${prefix}${suffix}="${uri}"`);
  return `<?xml version="1.0"?>${gap()}${write(root, declarations)}${gap()}`;
}

test('order, white space, prefixes, layout and comments change no byte of what is generated', async () => {
  const expected = await source(ORDER);
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.nat()), async (stream) => {
      const text = reordered(() => stream.next().value ?? 0);
      expect(text).not.toBe(ORDER);
      expect(await source(text)).toBe(expected);
    }),
    { numRuns: 40 },
  );
});

test.each<[string, (text: string) => string]>([
  ['a job type', (text) => text.replace('type="order.label"', 'type="order.labels"')],
  ['a number of retries', (text) => text.replace('retries="5"', 'retries="6"')],
  ['an expression', (text) => text.replace('=rating &lt; 3', '=rating &lt; 4')],
  ['where a flow leads', (text) => text.replace('targetRef="Pack"', 'targetRef="Check"')],
  ['a text', (text) => text.replace('A note', 'Another note')],
])('%s changes what is generated', async (_what, change) => {
  expect(change(ORDER)).not.toBe(ORDER);
  expect(await source(change(ORDER))).not.toBe(await source(ORDER));
});
