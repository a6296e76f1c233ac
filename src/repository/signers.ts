/** One entry of `signing.trusted` or `signing.accepted`. Every field that is given must match. */
export type SignerPolicy =
  | {
      readonly issuer: string;
      /** Exact; under `accepted` a `*` matches any run of characters except `@` and `/`. */
      readonly identity: string;
      readonly repository?: string;
      readonly ref?: string;
      readonly trigger?: string;
      readonly repositoryId?: string;
      readonly ownerId?: string;
      readonly runner?: string;
    }
  | { readonly key: string };

/** trusted: may make baselines, move the channel, be pinned. accepted: may seal a `:<sha>`. */
export type TrustTier = 'trusted' | 'accepted';
