/** `builders:node-b/elastic_morse` */
export function containerTarget(engine: string, name: string): string {
  return `${engine}/${name}`;
}

/** `builders:node-b/sha256:f9cca7c80410` */
export function imageTarget(engine: string, id: string): string {
  return `${engine}/sha256:${shortId(id)}`;
}

/** As the command line of Docker shows it. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}
