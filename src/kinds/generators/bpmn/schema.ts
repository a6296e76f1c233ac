import type { Moddle } from 'moddle';
import { type ModelFault, quoted } from './fault.ts';
import { below, isModel, type XmlElement } from './xml.ts';

/** A property of a type in a descriptor. */
interface Property {
  readonly ns: { readonly name: string };
  /** `bpmn:FlowNode`; `Element` for any element of an extension; else a simple type, such as `String`. */
  readonly type: string;
  readonly isAttr?: boolean;
  readonly isMany?: boolean;
  readonly isReference?: boolean;
  readonly isVirtual?: boolean;
  readonly xml?: { readonly serialize?: string };
}

/** A type of a descriptor, with what it inherits. */
interface Type {
  readonly $descriptor: {
    readonly name: string;
    readonly properties: readonly Property[];
    /** By the name with its prefix and without. */
    readonly propertiesByName: Readonly<Record<string, Property | undefined>>;
    readonly bodyProperty?: Property;
    readonly idProperty?: Property;
  };
  hasType(name: string): boolean;
}

/** Elements of BPMN and Zeebe that a model may have. */
const MAX_ELEMENTS = 10_000;

/**
 * The faults of a document by the descriptors of BPMN and Zeebe: unknown elements, attributes and texts, ids, references.
 * Only `bpmn-too-large` if it has more than {@link MAX_ELEMENTS}.
 */
export async function schemaFaults(root: XmlElement): Promise<readonly ModelFault[]> {
  let count = 0;
  for (const { name } of below(root)) count += isModel(name) ? 1 : 0;
  if (count > MAX_ELEMENTS) {
    const message = `it has ${count} elements, more than ${MAX_ELEMENTS}`;
    return [{ code: 'bpmn-too-large', at: root, message, fix: 'Split the process with call activities.' }];
  }
  const [{ Moddle }, { default: bpmn }, { default: zeebe }] = await Promise.all([
    import('moddle'),
    import('bpmn-moddle/resources/bpmn/json/bpmn.json', { with: { type: 'json' } }),
    import('zeebe-bpmn-moddle/resources/zeebe.json', { with: { type: 'json' } }),
  ]);
  const check = new SchemaCheck(new Moddle([bpmn, zeebe] as ConstructorParameters<typeof Moddle>[0]));
  return check.run(root);
}

/** One walk over a document. */
class SchemaCheck {
  readonly #descriptors: Moddle;
  readonly #faults: ModelFault[] = [];
  readonly #ids = new Set<string>();
  readonly #references: { readonly at: XmlElement; readonly property: string; readonly id: string }[] = [];

  constructor(descriptors: Moddle) {
    this.#descriptors = descriptors;
  }

  run(root: XmlElement): readonly ModelFault[] {
    const type = this.#type('bpmn:Definitions');
    if (type === undefined) throw new TypeError('the descriptor of BPMN has no Definitions');
    this.#element(root, type);
    for (const { at, property, id } of this.#references) {
      if (!this.#ids.has(id)) this.#faults.push(missing(at, property, id));
    }
    return this.#faults;
  }

  #element(at: XmlElement, type: Type): void {
    const { propertiesByName, bodyProperty, idProperty } = type.$descriptor;
    for (const [name, value] of at.attributes) {
      if (name.includes(':') && !isModel(name)) continue;
      const property = propertiesByName[name];
      if (property === undefined) this.#unknown(at, 'attribute', `has an unknown attribute <${name}>`);
      else if (property.isReference) this.#refer(at, property, property.isMany ? value.split(' ') : [value]);
    }
    const id = idProperty && at.attributes.get('id');
    if (id) this.#identify(at, id);
    if (at.text !== '' && bodyProperty === undefined) {
      this.#unknown(at, 'element', `has the text ${quoted(at.text)}, but may have none`);
    }
    for (const child of at.children) if (isChecked(child, at)) this.#child(child, at, type);
  }

  #child(at: XmlElement, parent: XmlElement, { $descriptor }: Type): void {
    const own = $descriptor.propertiesByName[at.name];
    const named = own?.isAttr ? undefined : own;
    const typeName = named === undefined ? typeOf(at.name) : typeOfProperty(named, at);
    // A text that is a property or refers to an element, as in <incoming>Flow_1</incoming>.
    if (typeName === undefined) {
      for (const child of at.children) if (isChecked(child, at)) this.#notAllowed(child, at);
      if (named?.isReference) this.#refer(parent, named, [at.text]);
      return;
    }
    const type = isModel(typeName) ? this.#type(typeName) : undefined;
    if (type === undefined) {
      if (isModel(at.name)) this.#unknown(at, 'element', 'is defined neither by BPMN 2.0 nor by Zeebe');
      else this.#notAllowed(at, parent);
    } else if (named === undefined && !$descriptor.properties.some((property) => takes(property, type))) {
      this.#notAllowed(at, parent);
    } else {
      this.#element(at, type);
    }
  }

  #type(name: string): Type | undefined {
    try {
      return this.#descriptors.getType(name) as unknown as Type;
    } catch {
      // The only error that it throws: there is no such type.
      return undefined;
    }
  }

  #refer(at: XmlElement, { ns }: Property, ids: readonly string[]): void {
    for (const id of ids) this.#references.push({ at, property: ns.name, id });
  }

  #identify(at: XmlElement, id: string): void {
    if (!ID.test(id)) {
      const fix = 'Begin the id with a letter or _, and go on with letters, digits, _, - and dots.';
      this.#faults.push({
        code: 'bpmn-id-invalid',
        at,
        message: `${at.name}: illegal ID <${shown(id)}>`,
        fix,
      });
    } else if (this.#ids.has(id)) {
      const message = `${at.name}: duplicate ID <${shown(id)}>`;
      this.#faults.push({
        code: 'bpmn-id-duplicate',
        at,
        message,
        fix: 'Give one of the elements another id.',
      });
    }
    this.#ids.add(id);
  }

  #notAllowed(at: XmlElement, parent: XmlElement): void {
    this.#unknown(at, 'element', `is not allowed in ${parent.name}`);
  }

  #unknown(at: XmlElement, what: 'element' | 'attribute', why: string): void {
    this.#faults.push({
      code: `bpmn-${what}-unknown`,
      at,
      message: `${shown(at.name)} ${why}`,
      fix: UNKNOWN,
    });
  }
}

/** As https://www.w3.org/TR/REC-xml/#NT-NameChar has it, in ASCII. */
const ID = /^([a-z][\w-.]*:)?[a-z_][\w-.]*$/i;

const UNKNOWN =
  'Correct the spelling, or remove it: neither BPMN 2.0 nor Zeebe has it here. Extensions of your own tools need their own namespace.';

/** Repeats what sequence flows say, for modelers; Zeebe goes by the flows. */
const REPEATED: readonly string[] = ['bpmn:incoming', 'bpmn:outgoing'];

function missing(at: XmlElement, property: string, id: string): ModelFault {
  const message = `${property} refers to ${shown(id)}, which is not there`;
  const fix = 'Connect the element again in the modeler, or remove it.';
  return REPEATED.includes(property)
    ? { code: 'bpmn-reference-ignored', at, message, fix, level: 'warning' }
    : { code: 'bpmn-reference', at, message, fix };
}

/** Whether elements of a type may be in a property. */
function takes({ type, isVirtual, isReference }: Property, element: Type): boolean {
  return !isVirtual && !isReference && element.hasType(type);
}

/** The type of an element that is no property by its name: `bpmn:userTask` -> `bpmn:UserTask`. */
function typeOf(name: string): string {
  return name.replace(/:(.)/su, (_, first: string) => `:${first.toUpperCase()}`);
}

/** The type of an element that is a property: as its `xsi:type` says, if it may; undefined for a text. */
function typeOfProperty({ type, isReference, xml }: Property, at: XmlElement): string | undefined {
  if (isReference || !type.includes(':')) return undefined;
  const given = xml?.serialize === undefined ? undefined : at.attributes.get(xml.serialize);
  // The prefix in the value is the document's own, and `tFormalExpression` is the name in the XML schema.
  return given === undefined ? type : `bpmn:${given.replace(/^.*:/, '').replace(/^t/, '')}`;
}

/**
 * Extensions of others may be where extensions are, the diagram where it is, and markup in a form; anything else of
 * others is a fault.
 */
function isChecked({ name }: XmlElement, parent: XmlElement): boolean {
  if (parent.name === 'zeebe:userTaskForm') return false;
  return isModel(name) || (parent.name !== 'bpmn:extensionElements' && !name.startsWith('bpmndi:'));
}

const shown = (text: string) => text.replace(/\s+/g, ' ').slice(0, 200);
