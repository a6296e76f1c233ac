import { type NameForms, nameForms } from './names.ts';

/** The entity of a primitive, in all spellings: `order-line`. */
export interface EntityNames extends NameForms {
  /** `order line` */
  readonly words: string;
  /** `order-lines` */
  readonly plural: NameForms & { readonly words: string };
}

/** A digit ends a word, so that Go, protobuf and JSON agree on the spelling. */
const ENTITY = /^[a-z]{2,}[0-9]*(?:-[a-z]+[0-9]*)*$/;
const LONGEST = 40;

/** The name of an entity if none is given and that of the primitive does not fit. */
const ANY = 'item';

/** Fields of these names have other names in Go: protobuf messages have methods that are called so. */
const METHODS = ['descriptor', 'marshal', 'proto-message', 'proto-reflect', 'reset', 'string', 'unmarshal'];

/** Why a text cannot name an entity, as half a sentence; undefined if it can. `reserved` are more that cannot. */
export function entityFault(text: string, reserved: readonly string[] = []): string | undefined {
  if (!ENTITY.test(text) || text.length > LONGEST)
    return `is not 2 to ${LONGEST} lower-case letters, with hyphens between words and digits at their ends`;
  if (METHODS.includes(text) || reserved.includes(text)) return 'has a meaning of its own in generated code';
  return undefined;
}

/** The entity of a primitive by its name: the singular, or `item` if that cannot be one. */
export function entityOf(name: string, reserved: readonly string[] = []): string {
  const singular = singularOf(name);
  return entityFault(singular, reserved) === undefined ? singular : ANY;
}

/** All spellings of an entity that {@link entityFault} finds no fault with. */
export function entityNames(entity: string): EntityNames {
  const plural = pluralOf(entity);
  return {
    ...nameForms(entity),
    words: entity.replaceAll('-', ' '),
    plural: { ...nameForms(plural), words: plural.replaceAll('-', ' ') },
  };
}

/** `orders` -> `order`, `stories` -> `story`, `boxes` -> `box`; others as they are. Irregular words need `--entity`. */
function singularOf(name: string): string {
  if (/[^aeiou]ies$/.test(name)) return name.replace(/ies$/, 'y');
  if (/(?:s|x|z|ch|sh)es$/.test(name)) return name.slice(0, -2);
  return /[^siu]s$/.test(name) ? name.slice(0, -1) : name;
}

function pluralOf(entity: string): string {
  if (/[^aeiou]y$/.test(entity)) return entity.replace(/y$/, 'ies');
  return /(?:s|x|z|ch|sh)$/.test(entity) ? `${entity}es` : `${entity}s`;
}
