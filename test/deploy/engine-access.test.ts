import { expect, onTestFinished, test } from 'vitest';
import { containerObject } from '../world/docker/objects.ts';
import { openEngines } from '../world/docker/open-engines.ts';
import { serveEngine } from '../world/docker/served-engine.ts';
import { swarmNodeObject, serviceObject, taskObject } from '../world/docker/swarm.ts';
import { readText } from './tree.ts';

const { signal } = new AbortController();
const query = { engine: 'lab', signal };
const applyContext = { idempotencyKey: 'm0123456789abcdef', signal };
const FINISHED = '2026-11-26T10:00:00.123456789Z';
const IMAGE_ID = `sha256:${'d'.repeat(64)}`;

/** Operators who restrict an access to these requests must not break a check. */
test('sends exactly the documented requests to engines, for reading and for removing', async () => {
  const [, reading = '', removing = ''] =
    /that accepts only what Wrench sends to read:([\s\S]*?)which also sends([\s\S]*?)\.\n/.exec(
      readText('docs/sources.md'),
    ) ?? [];
  const served = await serveEngine({
    containers: [containerObject('leftover', { finishedAt: FINISHED })],
    images: [{ Id: IMAGE_ID, RepoTags: [], Size: 1_000 }],
    swarm: {
      services: [serviceObject('api')],
      tasks: [taskObject('api-1', { service: 'api', node: 'node-a' })],
      nodes: [swarmNodeObject('node-a')],
    },
  });
  onTestFinished(served.close);
  const { engines, containers, writer, source } = openEngines({ url: served.url, allow: { remove: {} } });

  const { id, state, details } = (await containers()).get('leftover')!;
  await engines.info(query);
  await engines.container({ ...query, id });
  await engines.containerSizes({ ...query, ids: [id] });
  await engines.usage(query);
  await engines.swarmService({ ...query, service: 'api' });
  expect(await source.healthCheck(signal)).toMatchObject({ ok: true });
  const sentToRead = new Set(served.requests.map(withoutDetails));
  await writer!.removeContainer(
    { engine: 'lab', id, state, finishedAtText: details!.finishedAtText },
    applyContext,
  );
  await writer!.removeImage({ engine: 'lab', id: IMAGE_ID }, applyContext);
  const sentToRemove = new Set(served.requests.map(withoutDetails)).difference(sentToRead);

  expect(sentToRead).toEqual(listedIn(reading));
  expect(sentToRemove).toEqual(listedIn(removing));
});

function listedIn(text: string): Set<string> {
  return new Set(Array.from(text.matchAll(/`((?:GET|DELETE) [^`]+)`/g), ([, request = '']) => request));
}

/** `GET /containers/{id}/json` of `GET /v1.47/containers/0123…/json?size=1`. */
function withoutDetails(request: string): string {
  return request
    .replace(/\?.*/, '')
    .replace(/ \/v[\d.]+\//, ' /')
    .replace(/(?:sha256(?::|%3A))?[\da-f]{12,64}/i, '{id}');
}
