import { createHash } from 'node:crypto';
import { byKey } from '../../../core/order.ts';
import { isModel, type XmlElement } from './xml.ts';

/**
 * SHA-256, in hex, of what a model says: its elements and attributes of BPMN and Zeebe. Their order, white space,
 * prefixes, the diagram, and what other tools keep in the file do not change it.
 */
export function modelDigest(root: XmlElement): string {
  return digestOf(root);
}

function digestOf({ name, attributes, text, children }: XmlElement): string {
  const counts = children.filter((child) => isModel(child.name)).map(digestOf);
  const own = [...attributes].flatMap(([key, value]): [string, string][] => {
    if (name === 'bpmn:definitions' && TOOLS.has(key)) return [];
    // The prefix in the value is the document's own.
    if (key === 'xsi:type') return [[key, value.replace(/^.*:/, '')]];
    return !key.includes(':') || isModel(key) ? [[key, value]] : [];
  });
  return createHash('sha256')
    .update(JSON.stringify([name, own.sort(byKey), text, counts.sort()]))
    .digest('hex');
}

/** The tool that wrote the file last. */
const TOOLS = new Set(['exporter', 'exporterVersion']);
