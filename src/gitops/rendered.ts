import { parseAllDocuments } from 'yaml';
import { field } from '../core/object.ts';

export interface RenderedImage {
  readonly value: string;
  /** `Deployment orders` */
  readonly object: string;
}

/** Fields of a pod that list what has an image. */
const CONTAINERS = ['containers', 'initContainers', 'ephemeralContainers'];

/**
 * The images of rendered Kubernetes objects: of each container of a pod template at any depth, of image volumes
 * (`volumes[].image.reference`), and `spec.image` of custom resources. Throws an `Error` for what is not YAML.
 */
export function renderedImages(text: string): readonly RenderedImage[] {
  const parsed = parseAllDocuments(text, { prettyErrors: false, stringKeys: true, merge: true });
  const documents = Array.isArray(parsed) ? parsed : [];
  return documents.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(error.message);
    const data: unknown = document.toJS({ maxAliasCount: 100 });
    const name = field(field(data, 'metadata'), 'name');
    const object = `${String(field(data, 'kind') ?? 'object')} ${String(name ?? '')}`.trim();
    const own = field(field(data, 'spec'), 'image');
    const values = [...(own === undefined ? [] : [own]), ...imagesIn(data)];
    return values.map((value) => ({
      value: typeof value === 'string' ? value : JSON.stringify(value),
      object,
    }));
  });
}

function imagesIn(data: unknown): readonly unknown[] {
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).flatMap(([key, value]) => {
    const items: readonly unknown[] = Array.isArray(value) && !Array.isArray(data) ? value : [];
    const named = CONTAINERS.includes(key) ? items.map((item) => field(item, 'image')) : [];
    const mounted = key === 'volumes' ? items.map((item) => field(field(item, 'image'), 'reference')) : [];
    return [...named, ...mounted].filter((image) => image !== undefined).concat(imagesIn(value));
  });
}
