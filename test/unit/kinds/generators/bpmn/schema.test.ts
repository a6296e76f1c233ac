import { BpmnModdle } from 'bpmn-moddle';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import zeebe from 'zeebe-bpmn-moddle/resources/zeebe.json' with { type: 'json' };
import { schemaFaults } from '../../../../../src/kinds/generators/bpmn/schema.ts';
import { readXml } from '../../../../../src/kinds/generators/bpmn/xml.ts';
import { modelOf, ORDER, task } from '../../../../support/bpmn-models.ts';

/** Without its diagram, whose references only moddle follows, and without colours, which it refuses outside of one. */
const MODEL = ORDER.replace(/<bpmndi:BPMNDiagram .*<\/bpmndi:BPMNDiagram>/s, '').replaceAll(
  / bioc:stroke="[^"]*"/g,
  '',
);

const faultsIn = async (text: string) => {
  const read = readXml(text, 'flow.bpmn');
  if ('findings' in read) throw new Error(`no XML: ${read.findings[0]?.message}`);
  return (await schemaFaults(read.root)).map(({ message, level }) => `${level ?? 'error'} ${message}`);
};

/** What the reader that comes with the descriptors has to say. */
const moddleWarnings = async (text: string) => {
  const read = new BpmnModdle({ zeebe }).fromXML(text, 'bpmn:Definitions');
  // It breaks at an element in a text, such as one in <documentation>.
  const { warnings } = await read.catch((error: Error) => ({ warnings: [error] }));
  return warnings.map(({ message }) => message);
};

test('a model in the shape of a modeler has no fault, nor has it for moddle', async () => {
  expect([await faultsIn(MODEL), await moddleWarnings(MODEL)]).toEqual([[], []]);
});

describe('each fault is one', () => {
  test.each<[what: string, text: string, faults: readonly string[]]>([
    [
      'an element of BPMN in the wrong place',
      modelOf('<lane id="L" />'),
      ['error bpmn:lane is not allowed in bpmn:process'],
    ],
    [
      'an element of Zeebe outside of extensions',
      modelOf('<task id="T"><zeebe:taskDefinition type="a" /></task>'),
      ['error zeebe:taskDefinition is not allowed in bpmn:task'],
    ],
    [
      'a part of an extension that is none itself',
      modelOf(
        '<task id="T"><extensionElements><zeebe:input source="=a" target="b" /></extensionElements></task>',
      ),
      ['error zeebe:input is not allowed in bpmn:extensionElements'],
    ],
    [
      'an element in a text',
      modelOf('<task id="T"><incoming>F<b>x</b></incoming></task>'),
      [
        'error bpmn:b is not allowed in bpmn:incoming',
        'warning bpmn:incoming refers to F, which is not there',
      ],
    ],
    [
      'an unknown type of an expression',
      modelOf(
        '<sequenceFlow id="F" sourceRef="T" targetRef="T"><conditionExpression xsi:type="tMagic" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">=a</conditionExpression></sequenceFlow><task id="T" />',
      ),
      ['error bpmn:conditionExpression is defined neither by BPMN 2.0 nor by Zeebe'],
    ],
    [
      'two faults below each other',
      modelOf('<task id="T" a="1"><task id="T" b="1" /></task>'),
      ['error bpmn:task has an unknown attribute <a>', 'error bpmn:task is not allowed in bpmn:task'],
    ],
    [
      'each of several references',
      modelOf(`${task('T', 'a')}<boundaryEvent id="B" attachedToRef="X" />`),
      ['error bpmn:attachedToRef refers to X, which is not there'],
    ],
    [
      'extensions of others',
      modelOf('<task id="T"><extensionElements><a:b xmlns:a="urn:a" /></extensionElements></task>'),
      [],
    ],
  ])('%s', async (_what, text, faults) => {
    expect(await faultsIn(text)).toEqual(faults);
  });
});

test('names that every object of JavaScript has are names like others', async () => {
  const inside = '<constructor id="C" /><task id="T" constructor="1" toString="1" />';
  expect(await faultsIn(modelOf(inside))).toEqual([
    'error bpmn:constructor is defined neither by BPMN 2.0 nor by Zeebe',
    'error bpmn:task has an unknown attribute <constructor>',
    'error bpmn:task has an unknown attribute <toString>',
  ]);
});

test('a change of a model is a fault here if and only if it is one to moddle', async () => {
  const tags = [...MODEL.matchAll(/<((?:bpmn|zeebe):\w+)(?=[\s/>])/g)];
  const attributes = [...MODEL.matchAll(/ (\w+|zeebe:\w+)="([^"]*)"/g)].filter(
    // Of BPMN and Zeebe alone: of the diagram and of other tools only moddle reads anything.
    ({ index }) =>
      /<(?:bpmn|zeebe):[^<>]*$/.test(MODEL.slice(0, index)) && !MODEL.slice(0, index).endsWith('<?xml'),
  );
  const names = [...new Set(tags.map(([, name]) => name ?? ''))];
  const insert = fc.record({
    at: fc.nat(),
    name: fc.constantFrom(...names, 'bpmn:nothing', 'zeebe:nothing'),
  });
  const rename = fc.record({
    at: fc.nat(),
    attribute: fc.constantFrom('nothing', 'isExecutable', 'type', 'name', 'messageRef'),
  });
  const refer = fc.record({ at: fc.nat(), value: fc.constantFrom('nowhere', 'Charge', '9', 'Flow_1') });
  let faulty = 0;
  await fc.assert(
    fc.asyncProperty(fc.oneof(insert, rename, refer), async (change) => {
      let text: string;
      if ('name' in change) {
        // As the first child of an element that is not empty.
        const places = [...MODEL.matchAll(/<(?:bpmn|zeebe):\w+(?:\s[^<>]*[^/<>])?>/g)];
        const place = places[change.at % places.length];
        const end = (place?.index ?? 0) + (place?.[0].length ?? 0);
        text = `${MODEL.slice(0, end)}<${change.name} />${MODEL.slice(end)}`;
      } else {
        const attribute = attributes[change.at % attributes.length];
        if (attribute === undefined) throw new TypeError('no attribute');
        const [all, name = '', value = ''] = attribute;
        const other =
          'attribute' in change ? ` ${change.attribute}="${value}"` : ` ${name}="${change.value}"`;
        text = `${MODEL.slice(0, attribute.index)}${other}${MODEL.slice(attribute.index + all.length)}`;
        // Two attributes of one name are no XML.
        fc.pre(!('findings' in readXml(text, 'flow.bpmn')));
      }
      const [ours, theirs] = [await faultsIn(text), await moddleWarnings(text)];
      faulty += ours.length > 0 ? 1 : 0;
      expect({ text, isFaulty: ours.length > 0, ours, theirs }).toMatchObject({
        isFaulty: theirs.length > 0,
      });
    }),
    { numRuns: 150 },
  );
  expect(faulty).toBeGreaterThan(25);
});
