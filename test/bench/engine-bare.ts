import Docker from 'dockerode';

/**
 * The baseline: dockerode sends the same requests as the check, with the same concurrency, and drops the
 * responses. Runs as a separate process; its argument is the port of an engine.
 */
const INSPECTED_AT_ONCE = 8;

const docker = new Docker({ host: 'http://127.0.0.1', port: Number(process.argv[2]), version: 'v1.41' });
const withoutVersion = new Docker({ host: 'http://127.0.0.1', port: Number(process.argv[2]) });

let inspected = 0;

async function inspectAll(ids: Iterable<string>): Promise<void> {
  for (const id of ids) {
    await docker.getContainer(id).inspect();
    inspected += 1;
  }
}

/** As documented by Docker; the types of dockerode have neither sizes nor lists of states. */
const SIZES = { all: true, size: true, filters: { status: ['created', 'exited', 'dead'] } };

const startedAt = performance.now();
await withoutVersion.version();
await docker.info();
const listed = (await docker.listContainers({ all: true })).map(({ Id }) => Id).values();
await Promise.all(Array.from({ length: INSPECTED_AT_ONCE }, () => inspectAll(listed)));
await docker.listContainers(SIZES);
await docker.df();
process.send?.({ containers: inspected, ms: performance.now() - startedAt });
process.disconnect();
