import { describe, expect, test } from 'vitest';
import { PrimitiveError } from '../../../../../src/core/errors.ts';
import { compileBpmn, MAX_MODEL_BYTES, readBpmn } from '../../../../../src/kinds/generators/bpmn/compile.ts';
import { goSource } from '../../../../../src/kinds/generators/bpmn/go.ts';
import type { ModelSettings } from '../../../../../src/kinds/generators/bpmn/model.ts';
import { modelOf, ORDER, task } from '../../../../support/bpmn-models.ts';

const compile = (text: string | Uint8Array) => compileBpmn(Buffer.from(text), 'flow.bpmn');

async function refusal(text: string | Uint8Array): Promise<PrimitiveError> {
  const error = await compile(text).catch((thrown: unknown) => thrown);
  if (error instanceof PrimitiveError) return error;
  throw new Error('it was compiled');
}

test('jobs come from tasks, ad-hoc subprocesses, listeners and messages that are sent; not from connectors', async () => {
  const { processIds, jobs, warnings } = await compile(ORDER);
  expect({ processIds, warnings }).toEqual({ processIds: ['order'], warnings: [] });
  expect(jobs.map(({ type, identifier, elements }) => [type, identifier, elements.join(' ')])).toEqual([
    ['mail', 'Mail', 'Remind Tell'],
    ['order.audit', 'Audit', 'Pack order'],
    ['order.check.completing', 'CheckCompleting', 'Check'],
    ['order.choose', 'Choose', 'Choose'],
    ['order.label', 'Label', 'Label'],
    ['order.payment.charge.v1', 'PaymentChargeV1', 'Charge'],
    ['order.wrap', 'Wrap', 'Wrap'],
  ]);
});

test('messages are those that are waited for, with the expressions that they are correlated by', async () => {
  const { messages } = await compile(ORDER);
  expect(messages).toEqual([
    {
      name: 'order.cancelled',
      identifier: 'Cancelled',
      correlationKeys: ['=order.id'],
      elements: ['Cancelled'],
    },
    {
      name: 'order.parcel-sent',
      identifier: 'ParcelSent',
      correlationKeys: ['=order.id'],
      elements: ['WaitForParcel'],
    },
    { name: 'order.placed', identifier: 'Placed', correlationKeys: [], elements: ['Ordered'] },
  ]);
});

const message = (attributes: string, subscription = '<zeebe:subscription correlationKey="=k" />') =>
  `<message id="M" ${attributes}><extensionElements>${subscription}</extensionElements></message>`;
const receive = '<receiveTask id="R" messageRef="M" />';
const IN_CAMUNDA_8 =
  'id="D" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:modeler="http://camunda.org/schema/modeler/1.0" modeler:executionPlatform="Camunda Cloud" camunda:diagramRelationId="1"';

describe('each fault has its code, element, line and column', () => {
  test.each<[code: string, place: string, text: string]>([
    ['bpmn-job-type-missing', '4:40: T: zeebe:taskDefinition has no type', modelOf(task('T', ' '))],
    ['bpmn-job-type-identifier', '4:40: T: the job type "3ds"', modelOf(task('T', '3ds'))],
    ['bpmn-job-type-identifier', '4:40: T: the job type "支付"', modelOf(task('T', '支付'))],
    [
      'bpmn-job-type-collision',
      '5:40: U: the job types "charge-card" and "chargeCard" both become ChargeCard',
      modelOf(`${task('T', 'charge-card')}\n${task('U', 'chargeCard')}`),
    ],
    [
      'bpmn-job-type-collision',
      '4:40: T: the job types "charge" and "flow.charge" both become Charge',
      modelOf(`${task('T', 'flow.charge')}\n${task('U', 'charge')}`),
    ],
    [
      'bpmn-task-definition-missing',
      '5:2: S: bpmn:sendTask has no zeebe:taskDefinition',
      modelOf(`${task('T', 'a')}\n <sendTask id="S" />`),
    ],
    [
      'bpmn-task-definition-missing',
      '5:1: S: bpmn:scriptTask has neither zeebe:taskDefinition nor zeebe:script',
      modelOf(`${task('T', 'a')}\n<scriptTask id="S" />`),
    ],
    [
      'bpmn-task-definition-missing',
      '5:1: E: bpmn:endEvent has no zeebe:taskDefinition',
      modelOf(`${task('T', 'a')}\n<endEvent id="E"><messageEventDefinition /></endEvent>`),
    ],
    [
      'bpmn-task-definition-twice',
      '6:1: T: the element has two task definitions',
      modelOf(task('T', 'a').replace('</ext', '\n\n<zeebe:taskDefinition type="b" /></ext')),
    ],
    [
      'bpmn-job-type-missing',
      '5:1: T: zeebe:executionListener has no type',
      modelOf(
        task('T', 'a').replace(
          '</ext',
          '<zeebe:executionListeners>\n<zeebe:executionListener eventType="end" /></zeebe:executionListeners></ext',
        ),
      ),
    ],
    [
      'bpmn-message-missing',
      '5:1: R: bpmn:receiveTask has no message',
      modelOf(`${task('T', 'a')}\n<receiveTask id="R" />`),
    ],
    [
      'bpmn-message-name',
      '7:1: M: the message has no name',
      modelOf(`${task('T', 'a')}\n${receive}`, message('')),
    ],
    [
      'bpmn-correlation-missing',
      '7:1: M: the message "paid" has no correlation key',
      modelOf(`${task('T', 'a')}\n${receive}`, message('name="paid"', '')),
    ],
    [
      'bpmn-message-identifier',
      '7:1: M: the message "--" is not a valid name',
      modelOf(`${task('T', 'a')}\n${receive}`, message('name="--"')),
    ],
    [
      'bpmn-reference',
      '5:1: R: bpmn:messageRef refers to M, which is not there',
      modelOf(`${task('T', 'a')}\n${receive}`),
    ],
    [
      'bpmn-element-unknown',
      '5:3: W: bpmn:serviceTsk is defined neither by BPMN 2.0 nor by Zeebe',
      modelOf(`${task('T', 'a')}\n  <serviceTsk id="W" />`),
    ],
    [
      'bpmn-element-unknown',
      '5:1: T: zeebe:taskDefinitio is defined neither by BPMN 2.0 nor by Zeebe',
      modelOf(task('T', 'a').replace('</ext', '\n<zeebe:taskDefinitio type="b" /></ext')),
    ],
    [
      'bpmn-element-unknown',
      '5:1: flow: acme:thing is not allowed in bpmn:process',
      modelOf(`${task('T', 'a')}\n<acme:thing xmlns:acme="urn:acme" />`),
    ],
    [
      'bpmn-element-unknown',
      '4:1: T: bpmn:serviceTask has the text "words", but may have none',
      modelOf(task('T', 'a').replace('</serviceTask>', 'words</serviceTask>')),
    ],
    [
      'bpmn-attribute-unknown',
      '5:1: U: bpmn:userTask has an unknown attribute <asignee>',
      modelOf(`${task('T', 'a')}\n<userTask id="U" asignee="me" />`),
    ],
    [
      'bpmn-attribute-unknown',
      '4:40: T: zeebe:taskDefinition has an unknown attribute <retry>',
      modelOf(task('T', 'a').replace('type=', 'retry="3" type=')),
    ],
    [
      'bpmn-id-duplicate',
      '5:1: T: bpmn:task: duplicate ID <T>',
      modelOf(`${task('T', 'a')}\n<task id="T" />`),
    ],
    [
      'bpmn-id-invalid',
      '5:1: 7up: bpmn:task: illegal ID <7up>',
      modelOf(`${task('T', 'a')}\n<task id="7up" />`),
    ],
    [
      'bpmn-task-definition-missing',
      '4:1: T: bpmn:serviceTask has no zeebe:taskDefinition',
      modelOf('<serviceTask id="T" /><task id="U" />'),
    ],
    ['bpmn-not-executable', '3:1: flow: no process is executable', modelOf(task('T', 'a'), '', 'id="flow"')],
    ['bpmn-process-id', '3:1: D: the process has no id', modelOf(task('T', 'a'), '', 'isExecutable="true"')],
    [
      'bpmn-process-missing',
      '1:1: the model has no process',
      '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="urn:d" />',
    ],
    ['bpmn-not-bpmn', '1:1: the root element is svg', '<svg />'],
    [
      'bpmn-not-bpmn',
      '2:1: D: the root element is ',
      ORDER.replaceAll('/20100524/MODEL', '/20500524/MODEL').replace('Definitions_0k1x', 'D'),
    ],
    [
      'bpmn-other-engine',
      '4:1: T: the model is for Camunda 7',
      modelOf(
        '<serviceTask id="T" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" camunda:topic="charge" />',
      ),
    ],
    [
      'bpmn-task-definition-missing',
      '4:1: T: bpmn:serviceTask has no zeebe:taskDefinition',
      modelOf('<serviceTask id="T" camunda:topic="charge" />').replace('id="D"', IN_CAMUNDA_8),
    ],
    [
      'bpmn-other-engine',
      '4:1: T: the model is for Flowable',
      modelOf('<serviceTask id="T" xmlns:f="http://flowable.org/bpmn" f:class="a.B" />'),
    ],
    ['bpmn-not-xml', '1:1: missing start tag', ''],
    ['bpmn-not-xml', '1:1: missing start tag', '{"bpmn": true}'],
    ['bpmn-not-xml', '7:1: unexpected end of file', modelOf(task('T', 'a')).replace('</definitions>\n', '')],
    ['bpmn-not-xml', '5:1: closing tag mismatch', modelOf('<task id="T">')],
    ['bpmn-not-xml', '2:1: it has more than one root element', '<a/>\n<b/>'],
    ['bpmn-not-xml', '1:1: an & is not escaped', '<a b="&c;"/>'],
    ['bpmn-not-xml', '1:1: a character reference is half a character', '<a b="&#xD800;"/>'],
    ['bpmn-not-xml', '1:1: attribute <b> already defined', '<a b="1" b="2"/>'],
    ['bpmn-not-xml', '1:601: elements are more than 200 levels deep', '<a>'.repeat(201)],
    [
      'bpmn-encoding',
      '1:1: it says that its encoding is UTF-16',
      '<?xml version="1.0" encoding="UTF-16"?><a/>',
    ],
  ])('%s at %s', async (code, place, text) => {
    const { code: found, message: said, suggestions, exit } = await refusal(text);
    expect({ found, said }).toEqual({ found: code, said: expect.stringContaining(`flow.bpmn:${place}`) });
    expect({ exit, suggestions: suggestions.length }).toEqual({ exit: 2, suggestions: 1 });
  });
});

describe('what Zeebe deploys is compiled', () => {
  test.each<[what: string, text: string, warnings: readonly string[], jobs: readonly string[]]>([
    [
      'what the Web Modeler of Camunda 8 adds',
      modelOf(task('T', 'a')).replace('id="D"', IN_CAMUNDA_8),
      [],
      ['a'],
    ],
    [
      'what is left of Camunda 7, once for each name',
      modelOf('<userTask id="U" camunda:assignee="me" /><userTask id="V" camunda:assignee="you" />').replace(
        'id="D"',
        IN_CAMUNDA_8,
      ),
      ['bpmn-foreign 4:1: U: camunda:assignee has no meaning in Zeebe'],
      [],
    ],
    [
      'what is left of Camunda 7 beside what is for Zeebe',
      modelOf(
        `${task('T', 'a')}\n<manualTask id="M" xmlns:c="http://camunda.org/schema/1.0/bpmn" c:asyncBefore="true" />`,
      ),
      ['bpmn-foreign 5:1: M: camunda:asyncBefore has no meaning in Zeebe'],
      ['a'],
    ],
    [
      'a job type that is an expression',
      modelOf(task('T', '=kind')),
      ['bpmn-job-type-expression 4:40: T: the job type "=kind" is an expression: no handler is generated'],
      [],
    ],
    [
      'a task definition on a user task',
      modelOf(task('U', 'b').replaceAll('serviceTask', 'userTask')),
      [
        'bpmn-task-definition-ignored 4:37: U: bpmn:userTask is no job: its task definition has no meaning in Zeebe',
      ],
      [],
    ],
    [
      'a flow that is named and not there',
      modelOf(task('T', 'a').replace('</serviceTask>', '<incoming>F</incoming></serviceTask>')),
      ['bpmn-reference-ignored 4:1: T: bpmn:incoming refers to F, which is not there'],
      ['a'],
    ],
    ['messages without jobs', modelOf(receive, message('name="paid"')), [], []],
    ['nothing for code to do', modelOf('<task id="T" />'), [], []],
    [
      'two executable processes',
      modelOf(
        task('T', 'flow.a'),
        `<process id="other" isExecutable="true">${task('U', 'other.a')}</process>`,
      ),
      [],
      ['flow.a', 'other.a'],
    ],
    [
      'markup in a form',
      modelOf(
        '<userTask id="U"><extensionElements><zeebe:userTaskForm>one<br />two</zeebe:userTaskForm></extensionElements></userTask>',
      ),
      [],
      [],
    ],
  ])('%s', async (_what, text, warnings, jobs) => {
    const model = await compile(text);
    expect(model.warnings.map(({ level }) => level)).toEqual(warnings.map(() => 'warning'));
    const said = model.warnings.map(
      ({ rule, line, column, message: words }) => `${rule} ${line}:${column}: ${words}`,
    );
    expect(said).toEqual(warnings);
    expect(model.jobs.map(({ type }) => type)).toEqual(jobs);
  });

  test('of two processes both ids stay in names, so that names do not collide', async () => {
    const other = `<process id="other" isExecutable="true">${task('U', 'other.a')}</process>`;
    const { jobs, processIds } = await compile(modelOf(task('T', 'flow.a'), other));
    expect(processIds).toEqual(['flow', 'other']);
    expect(jobs.map(({ identifier }) => identifier)).toEqual(['FlowA', 'OtherA']);
  });

  test('elements with a computed job type are listed', async () => {
    expect((await compile(modelOf(task('T', '=kind')))).computed).toEqual(['T']);
  });
});

test('errors that are caught are constants; those that are only thrown, or expressions, are not', async () => {
  const { errors } = await compile(
    modelOf(
      `${task('T', 'a')}<boundaryEvent id="B" attachedToRef="T"><errorEventDefinition errorRef="E1" /></boundaryEvent>
<boundaryEvent id="C" attachedToRef="T"><errorEventDefinition errorRef="E2" /></boundaryEvent>
<boundaryEvent id="D1" attachedToRef="T"><errorEventDefinition /></boundaryEvent>
<endEvent id="F"><errorEventDefinition errorRef="E3" /></endEvent>
<subProcess id="S" triggeredByEvent="true"><startEvent id="G"><errorEventDefinition errorRef="E1" /></startEvent></subProcess>`,
      '<error id="E1" errorCode="404" /><error id="E2" errorCode="=code" /><error id="E3" errorCode="thrown" />',
    ),
  );
  expect(errors).toEqual([{ code: '404', identifier: '404', elements: ['B', 'G'] }]);
});

test('primitive.yaml names what makes no name in Go, and leaves jobs to other workers', async () => {
  const text = modelOf(
    [task('T', '2fa-check'), task('U', 'charge-card'), task('V', 'charge_card'), task('W', 'mail')].join(
      '\n',
    ),
  );
  const settings = {
    names: { '2fa-check': 'CheckSecondFactor', charge_card: 'ChargeOld' },
    exclude: ['mail'],
  };
  const { jobs } = await compileBpmn(Buffer.from(text), 'flow.bpmn', settings);
  expect(jobs.map(({ type, identifier }) => `${type} ${identifier}`)).toEqual([
    '2fa-check CheckSecondFactor',
    'charge-card ChargeCard',
    'charge_card ChargeOld',
  ]);
  const stale = { names: { gone: 'Gone' }, exclude: ['mial'] };
  await expect(compileBpmn(Buffer.from(modelOf(task('T', 'a'))), 'flow.bpmn', stale)).rejects.toMatchObject({
    why: expect.stringMatching(/names "gone".*\n.*names "mial"/),
  });
});

describe('primitive.yaml maps events to messages', () => {
  const withEvents = (events: NonNullable<ModelSettings['events']>) =>
    compileBpmn(Buffer.from(ORDER), 'flow.bpmn', { events });

  test('each by the path of its correlation key, sorted by type', async () => {
    const model = await withEvents({
      'acme.v1.ParcelSent': {
        message: 'order.parcel-sent',
        correlation: 'data.order.id',
        variables: { weight: 'data.weight', at: 'time' },
      },
      'acme.v1.Ordered': { message: 'order.placed' },
    });
    expect(model.events).toEqual([
      { type: 'acme.v1.Ordered', message: 'Placed', correlation: undefined, variables: {} },
      {
        type: 'acme.v1.ParcelSent',
        message: 'ParcelSent',
        correlation: 'data.order.id',
        variables: { weight: 'data.weight', at: 'time' },
      },
    ]);
    const source = goSource(model, 'bpmn/process.bpmn', 'example.com/engine');
    expect(source).toContain('\t\t{Type: "acme.v1.Ordered", Message: MessagePlaced},\n');
    expect(source).toContain(
      '\t\t{Type: "acme.v1.ParcelSent", Message: MessageParcelSent, Correlation: "data.order.id", Variables: map[string]string{"at": "time", "weight": "data.weight"}},\n',
    );
  });

  test.each<[code: string, why: string, events: NonNullable<ModelSettings['events']>]>([
    ['bpmn-setting-unused', 'the message "order.lost"', { E: { message: 'order.lost' } }],
    ['bpmn-event-correlation', 'has a correlation key', { E: { message: 'order.cancelled' } }],
    [
      'bpmn-event-correlation',
      'has no correlation key',
      { E: { message: 'order.placed', correlation: 'subject' } },
    ],
  ])('%s: %s', async (code, why, events) => {
    await expect(withEvents(events)).rejects.toMatchObject({ code, message: expect.stringContaining(why) });
  });
});

test('all faults of a file are told at once, in the order of their places, each once', async () => {
  const inside = `${task('A', ' ')}\n<receiveTask id="R" messageRef="M" wrong="1" />\n<receiveTask id="S" messageRef="M" />\n<sendTask id="B" />`;
  const { code, message: said, why } = await refusal(modelOf(inside, '<message id="M" name="paid" />'));
  expect({ code, said }).toEqual({ code: 'bpmn-invalid', said: 'flow.bpmn has 4 faults.' });
  expect(why?.split('\n')).toEqual([
    'flow.bpmn:4:40: A: zeebe:taskDefinition has no type',
    'flow.bpmn:5:1: R: bpmn:receiveTask has an unknown attribute <wrong>',
    'flow.bpmn:7:1: B: bpmn:sendTask has no zeebe:taskDefinition',
    'flow.bpmn:9:1: M: the message "paid" has no correlation key',
  ]);
});

test('of very many faults an error lists the first, and a report has more of them', async () => {
  const inside = Array.from({ length: 80 }, (_, i) => `<sendTask id="S${i}" />`).join('\n');
  const text = modelOf(`${task('T', 'a')}\n${inside}`);
  const { message: said, why } = await refusal(text);
  expect(said).toBe('flow.bpmn has 80 faults; the first 20.');
  expect(why?.split('\n').slice(19)).toEqual([
    'flow.bpmn:24:1: S19: bpmn:sendTask has no zeebe:taskDefinition',
  ]);
  const read = await readBpmn(new TextEncoder().encode(text), 'flow.bpmn');
  expect(read).toMatchObject({ findings: { length: 50 }, total: 80 });
});

test('names that every object of JavaScript has are names like others', async () => {
  const inside = `${task('T', 'a')}\n<constructor id="C" /><toString id="S" />`;
  expect(await refusal(modelOf(inside))).toMatchObject({ code: 'bpmn-invalid', exit: 2 });
  expect(await refusal('<constructor:a xmlns:constructor="urn:c" />')).toMatchObject({
    code: 'bpmn-not-bpmn',
  });
});

describe('what no model is', () => {
  const bomb = Array.from({ length: 10 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`).join('');

  test.each<[code: string, what: string, text: string | Uint8Array]>([
    ['bpmn-doctype', 'entities that grow', `<!DOCTYPE d [<!ENTITY e0 "x">${bomb}]>${modelOf('&e10;')}`],
    [
      'bpmn-doctype',
      'a file of this machine',
      `<!DOCTYPE d [<!ENTITY f SYSTEM "file:///etc/passwd">]>${modelOf('&f;')}`,
    ],
    ['bpmn-too-large', '10 MB', Buffer.alloc(10_000_000, ' ')],
    ['bpmn-encoding', 'UTF-16', Buffer.from(`\uFEFF${modelOf(task('T', 'a'))}`, 'utf16le')],
    ['bpmn-encoding', 'bytes that are no UTF-8', Buffer.from(modelOf(task('T', 'prüfe')), 'latin1')],
    ['bpmn-too-large', 'very many elements', modelOf('<task/>'.repeat(11_000))],
    ['bpmn-not-xml', 'tags without an end', '<'.repeat(MAX_MODEL_BYTES)],
    ['bpmn-not-xml', 'a picture', Buffer.from([0x89, 0x50, 0x4e, 0x47].map((byte) => byte & 0x7f))],
  ])('%s: %s', async (code, _what, text) => {
    const started = performance.now();
    const { code: found, message: said } = await refusal(text);
    expect(found).toBe(code);
    expect(said).not.toContain('root:');
    expect(performance.now() - started).toBeLessThan(20_000);
  });
});

test('UTF-8 with a byte order mark is read as modelers on Windows write it', async () => {
  const { jobs } = await compile(`\uFEFF${modelOf(task('T', 'prüfe')).replaceAll('\n', '\r\n')}`);
  expect(jobs.map(({ identifier }) => identifier)).toEqual(['Prüfe']);
});
