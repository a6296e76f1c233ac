import type { XmlElement } from './xml.ts';

/** A model without anything that is not BPMN or Zeebe, on one line. */
export interface PlainXml {
  readonly text: string;
  /** How many elements it has. */
  readonly count: number;
  /** The last element that begins at or before a column, from 0. */
  readonly at: (column: number) => XmlElement;
}

/**
 * Writes a model again for the reader that knows its descriptors: that takes the longer for each fault the longer the
 * text before it is, and layout, icons and what other tools keep are most of a file.
 */
export function plainXml(root: XmlElement): PlainXml {
  const pieces: string[] = [];
  const elements: XmlElement[] = [];
  const starts: number[] = [];
  let length = 0;
  const write = (piece: string) => {
    pieces.push(piece);
    length += piece.length;
  };
  const visit = (element: XmlElement, more = '') => {
    elements.push(element);
    starts.push(length);
    const name = isModel(element.name) ? element.name : `other:${element.name.replace(/^.*:/, '')}`;
    write(`<${name}${more}${[...element.attributes].map(attribute).join('')}>`);
    // All of it in the beginning, so that it belongs to the element that begins last before it.
    write(escaped(element.text));
    for (const child of element.children) if (isKept(child, element)) visit(child);
    write(`</${name}>`);
  };
  visit(root, DECLARATIONS);
  const at = (column: number) => {
    const next = starts.findIndex((start) => start > column);
    return elements[(next === -1 ? elements.length : next) - 1] ?? root;
  };
  return { text: pieces.join(''), count: elements.length, at };
}

const DECLARATIONS = [
  ['bpmn', 'http://www.omg.org/spec/BPMN/20100524/MODEL'],
  ['zeebe', 'http://camunda.org/schema/zeebe/1.0'],
  ['xsi', 'http://www.w3.org/2001/XMLSchema-instance'],
  ['other', 'urn:other'],
]
  .map(([prefix, uri]) => ` xmlns:${prefix}="${uri}"`)
  .join('');

/**
 * Extensions of others may be where extensions are, the diagram where it is, and markup in a form; anything else of
 * others is a fault.
 */
function isKept({ name }: XmlElement, parent: XmlElement): boolean {
  if (parent.name === 'zeebe:userTaskForm') return false;
  return isModel(name) || (parent.name !== 'bpmn:extensionElements' && !name.startsWith('bpmndi:'));
}

/** Whether an element or attribute says something that decides. */
export const isModel = (name: string): boolean => name.startsWith('bpmn:') || name.startsWith('zeebe:');

function attribute([name, value]: readonly [string, string]): string {
  // The prefix in the value was the document's own.
  if (name === 'xsi:type') return ` xsi:type="bpmn:${escaped(value.replace(/^.*:/, ''))}"`;
  return !name.includes(':') || isModel(name) ? ` ${name}="${escaped(value)}"` : '';
}

const escaped = (text: string) => text.replace(/[&<>"\r\n\t]/g, (char) => `&#${char.charCodeAt(0)};`);
