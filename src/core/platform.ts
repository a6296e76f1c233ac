const PLATFORM_PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** OCI image-spec, image-index.md: `platform`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** `linux/arm64/v8`. */
export function formatPlatform(platform: Platform): string {
  const base = `${platform.os}/${platform.architecture}`;
  return platform.variant === undefined ? base : `${base}/${platform.variant}`;
}

/** The inverse of {@link formatPlatform}; undefined if the text is no platform. */
export function parsePlatform(text: string): Platform | undefined {
  const [os, architecture, variant, ...rest] = text.split('/');
  if (!isPlatformPart(os) || !isPlatformPart(architecture) || rest.length > 0) return undefined;
  if (variant === undefined) return { os, architecture };
  return isPlatformPart(variant) ? { os, architecture, variant } : undefined;
}

/** Order of platforms by their text, by code unit. */
export function comparePlatforms(a: Platform, b: Platform): number {
  const left = formatPlatform(a);
  const right = formatPlatform(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether a value can be the `os`, `architecture` or `variant` of a platform. */
export function isPlatformPart(value: unknown): value is string {
  return typeof value === 'string' && PLATFORM_PART.test(value);
}
