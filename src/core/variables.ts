/** Environment variables: those that programs inherit, or are given. */
export type Variables = Readonly<Record<string, string | undefined>>;
