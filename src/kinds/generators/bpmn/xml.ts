import { type GetContext, Parser } from 'saxen';
import type { Code } from '../../../core/errors.ts';
import type { Finding } from '../../../core/finding.ts';

/** A place in a text; both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface XmlElement {
  /** With the prefix of {@link NAMESPACES} if its namespace is one of them, else with that of the document. */
  readonly name: string;
  /** By names of the same kind; declarations of namespaces are not among them. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly parent: XmlElement | undefined;
  readonly children: XmlElement[];
  /** Its own, all pieces joined, without white space around. */
  text: string;
  /** How many elements begin before it in the document. */
  readonly ordinal: number;
}

/** Namespaces -> the prefix that code here knows them by. */
const NAMESPACES = {
  'http://www.omg.org/spec/BPMN/20100524/MODEL': 'bpmn',
  'http://www.omg.org/spec/BPMN/20100524/DI': 'bpmndi',
  'http://www.omg.org/spec/DD/20100524/DC': 'dc',
  'http://www.omg.org/spec/DD/20100524/DI': 'di',
  'http://www.w3.org/2001/XMLSchema-instance': 'xsi',
  'http://camunda.org/schema/zeebe/1.0': 'zeebe',
  'http://camunda.org/schema/modeler/1.0': 'modeler',
  'http://camunda.org/schema/1.0/bpmn': 'camunda',
  'http://activiti.org/bpmn': 'activiti',
  'http://flowable.org/bpmn': 'flowable',
};

/** Whether an element or attribute says something that decides. */
export const isModel = (name: string): boolean => name.startsWith('bpmn:') || name.startsWith('zeebe:');

/** Elements inside each other; models nest subprocesses, a handful of levels. */
const MAX_DEPTH = 200;

/** Entities of XML itself; a document type could define others, and is refused. */
const BARE_AMPERSAND = /&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-fA-F]{1,6});)/;

/** The root element of a text, or what keeps it from being XML that is safe to read; `path` is the file's in findings. */
export function readXml(
  text: string,
  path: string,
): { readonly root: XmlElement } | { readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const refuse = (message: string, context: GetContext, fix = NO_XML, rule: Code = 'bpmn-not-xml') => {
    const { line, column } = message === 'unexpected end of file' ? endOf(text) : context();
    // Later faults are mostly consequences of the first.
    if (findings.length === 0)
      findings.push({ rule, level: 'error', path, line: line + 1, column: column + 1, message, fix });
  };
  let root: XmlElement | undefined;
  let open: XmlElement | undefined;
  let depth = 0;
  let ordinal = 0;
  let context: GetContext = () => ({ line: 0, column: 0 });
  const decoded = (raw: string, decode: (text: string) => string) => {
    if (BARE_AMPERSAND.test(raw))
      refuse('an & is not escaped, or names an entity that is not declared', context);
    const value = decode(raw);
    if (!value.isWellFormed()) refuse('a character reference is half a character', context);
    return value;
  };
  new Parser()
    .ns(NAMESPACES)
    .on('attention', (tag) => {
      const what = tag.slice(0, 9).toUpperCase().startsWith('<!DOCTYPE')
        ? 'a document type'
        : `${tag.slice(0, 20)}…`;
      refuse(`it has ${what}`, context, NO_DOCTYPE, 'bpmn-doctype');
    })
    .on('question', (declaration) => {
      const encoding = /^<\?xml\s[^>]*\bencoding\s*=\s*["']([^"']*)["']/.exec(declaration)?.[1];
      if (encoding === undefined || /^(utf-?8|us-ascii)$/i.test(encoding)) return;
      refuse(`it says that its encoding is ${encoding.slice(0, 40)}`, context, UTF8, 'bpmn-encoding');
    })
    .on('openTag', (name, attributes, decode, _selfClosing, where) => {
      context = where;
      if (findings.length > 0) return;
      const parent = open;
      if (parent === undefined && root !== undefined)
        return refuse('it has more than one root element', where);
      if (++depth > MAX_DEPTH) return refuse(`elements are more than ${MAX_DEPTH} levels deep`, where);
      const element: XmlElement = {
        name,
        attributes: new Map(
          Object.entries(attributes() || {}).flatMap(([key, raw]): [string, string][] =>
            key === 'xmlns' || key.startsWith('xmlns:') ? [] : [[key, decoded(raw, decode)]],
          ),
        ),
        parent,
        children: [],
        text: '',
        ordinal: ordinal++,
      };
      root ??= element;
      parent?.children.push(element);
      open = element;
    })
    .on('closeTag', () => {
      depth -= 1;
      if (open !== undefined) open.text = open.text.trim();
      open = open?.parent;
    })
    .on('text', (raw, decode) => {
      if (open !== undefined && findings.length === 0) open.text += decoded(raw, decode);
    })
    .on('cdata', (data) => {
      if (open !== undefined) open.text += data;
    })
    .on('warn', (error, where) => refuse(error.message, where))
    .on('error', (error, where) => refuse(error.message, where))
    .parse(text);
  if (findings.length > 0) return { findings };
  if (root === undefined) throw new TypeError('text without an element is not XML');
  return { root };
}

/** The reader does not say where a text ends; from 0, as it does. */
function endOf(text: string): { readonly line: number; readonly column: number } {
  const lines = text.split(/\r\n|\r|\n/);
  return { line: lines.length - 1, column: lines.at(-1)?.length ?? 0 };
}

const NO_XML = 'Export the model again from the modeler: it is not valid XML.';
const NO_DOCTYPE = 'Remove the document type: BPMN has none, and entities can be bombs.';
const UTF8 = 'Save the file as UTF-8.';

/** Positions of elements, by their ordinals. Each costs one count from the start of the text. */
export function positionsOf(text: string, ordinals: ReadonlySet<number>): ReadonlyMap<number, Position> {
  const found = new Map<number, Position>();
  let ordinal = 0;
  new Parser()
    .ns(NAMESPACES)
    .on('openTag', (_name, _attributes, _decode, _selfClosing, context) => {
      if (ordinals.has(ordinal)) {
        const { line, column } = context();
        found.set(ordinal, { line: line + 1, column: column + 1 });
      }
      ordinal += 1;
    })
    .parse(text);
  return found;
}

/** An element and all below it, in the order of the document. */
export function* below(element: XmlElement): Generator<XmlElement> {
  yield element;
  for (const child of element.children) yield* below(child);
}

/** The id of an element, or that of the nearest one around it that has one. */
export function idOf(element: XmlElement | undefined): string | undefined {
  for (let at = element; at !== undefined; at = at.parent) {
    const id = at.attributes.get('id');
    if (id !== undefined) return id;
  }
  return undefined;
}

export function childrenOf(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

/** The `extensionElements` of an element, by name. */
export function extensionsOf(element: XmlElement, name: string): readonly XmlElement[] {
  return childrenOf(element, 'bpmn:extensionElements').flatMap((extensions) => childrenOf(extensions, name));
}
