import { setFlagsFromString } from 'node:v8';
import type { AppsV1ApiRequestFactory } from '@kubernetes/client-node/dist/gen/apis/AppsV1Api.js';
import type { AuthorizationV1ApiRequestFactory } from '@kubernetes/client-node/dist/gen/apis/AuthorizationV1Api.js';
import type { CoreV1ApiRequestFactory } from '@kubernetes/client-node/dist/gen/apis/CoreV1Api.js';
import type { CustomObjectsApiRequestFactory } from '@kubernetes/client-node/dist/gen/apis/CustomObjectsApi.js';
import type { VersionApiRequestFactory } from '@kubernetes/client-node/dist/gen/apis/VersionApi.js';

/** Builds requests to the APIs that are used, without sending them. */
export interface RequestFactories {
  readonly core: CoreV1ApiRequestFactory;
  readonly apps: AppsV1ApiRequestFactory;
  readonly authorization: AuthorizationV1ApiRequestFactory;
  /** Objects of any other API group, by its name: it is far smaller than the factory of each group. */
  readonly custom: CustomObjectsApiRequestFactory;
  readonly version: VersionApiRequestFactory;
}

/**
 * Loads only the parts of the client library that are used: all of it takes twice the time and memory. Only its request factories are used: its
 * response parsers copy every object into classes and throw a TypeError on an unexpected shape, and its transport opens a connection for each request.
 */
export async function loadRequestFactories(server: string): Promise<RequestFactories> {
  keepYoungGenerationSmall();
  const [
    { CoreV1ApiRequestFactory: Core },
    apps,
    authorization,
    custom,
    version,
    { createConfiguration },
    servers,
  ] = await Promise.all([
    import('@kubernetes/client-node/dist/gen/apis/CoreV1Api.js'),
    import('@kubernetes/client-node/dist/gen/apis/AppsV1Api.js'),
    import('@kubernetes/client-node/dist/gen/apis/AuthorizationV1Api.js'),
    import('@kubernetes/client-node/dist/gen/apis/CustomObjectsApi.js'),
    import('@kubernetes/client-node/dist/gen/apis/VersionApi.js'),
    import('@kubernetes/client-node/dist/gen/configuration.js'),
    import('@kubernetes/client-node/dist/gen/servers.js'),
  ]);
  const configuration = createConfiguration({ baseServer: new servers.ServerConfiguration(server, {}) });
  return {
    core: new Core(configuration),
    apps: new apps.AppsV1ApiRequestFactory(configuration),
    authorization: new authorization.AuthorizationV1ApiRequestFactory(configuration),
    custom: new custom.CustomObjectsApiRequestFactory(configuration),
    version: new version.VersionApiRequestFactory(configuration),
  };
}

/**
 * Nearly everything that a list of pods allocates is garbage right away. V8 would let the young generation grow to three times 64 MB for it, and can then no
 * longer collect it apart from the rest: with a small `--max-old-space-size` the process runs out of memory although it holds little. Without growth,
 * reading 150,000 pods takes as long. The flag is read each time the young generation would grow:
 * https://github.com/v8/v8/blob/main/src/flags/flag-definitions.h
 */
function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
