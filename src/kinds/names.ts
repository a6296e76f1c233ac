import { type LanguageNames, languageNames } from '../languages/all.ts';
import type { PrimitiveName } from '../languages/language.ts';
import type { Config } from '../repository/config.ts';

/** One name in the spellings that code, environments and registries ask for: `order-lines`. */
export interface NameForms {
  /** `order-lines` */
  readonly kebab: string;
  /** `order_lines` */
  readonly snake: string;
  /** `orderLines` */
  readonly camel: string;
  /** `OrderLines` */
  readonly pascal: string;
  /** `orderlines` */
  readonly flat: string;
  /** `ORDER_LINES` */
  readonly upper: string;
}

/**
 * The forms of a name that {@link nameFault} finds no fault with.
 *
 * A letter after a digit begins a word, as generators of protobuf code have it: `s3-a1b` -> `S3A1B`.
 */
export function nameForms(name: string): NameForms {
  const parts = name.split('-');
  const pascal = name
    .replace(/(^|-|[0-9])([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase())
    .replaceAll('-', '');
  return {
    kebab: name,
    snake: parts.join('_'),
    camel: pascal.slice(0, 1).toLowerCase() + pascal.slice(1),
    pascal,
    flat: parts.join(''),
    upper: parts.join('_').toUpperCase(),
  };
}

/** The name of a primitive in each language of the config. */
export interface PackageNames extends LanguageNames {
  readonly proto?: {
    /** With the version: `acme.domain.orders.v1`. */
    readonly package: string;
    /** The folder of that package's files: `acme/domain/orders/v1`. */
    readonly path: string;
  };
}

/** Package names from the config's `languages` alone; the kind is in each, so that none meets another. */
export function packageNames(primitive: PrimitiveName, languages: Config['languages']): PackageNames {
  const { proto } = languages;
  const protoPackage = proto && `${proto.package}.${primitive.kind}.${nameForms(primitive.name).snake}.v1`;
  return {
    ...languageNames(primitive, languages),
    ...(protoPackage && {
      proto: { package: protoPackage, path: protoPackage.replaceAll('.', '/') },
    }),
  };
}
