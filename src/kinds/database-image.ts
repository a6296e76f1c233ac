/** Postgres on a machine of a developer and in previews: the tag is for readers, the digest is used. */
export const DATABASE_IMAGE =
  'docker.io/library/postgres:17.6@sha256:00bc86618629af00d2937fdc5a5d63db3ff8450acf52f0636ec813c7f4902929';
