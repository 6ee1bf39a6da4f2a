import { onTestFinished } from 'vitest';
import type { Cloud } from '../../../src/ports/cloud.ts';
import type { Source } from '../../../src/ports/source.ts';
import { openStackConfig } from '../../../src/sources/openstack/config.ts';
import { openOpenStack } from '../../../src/sources/openstack/open.ts';
import { type OpenStack, type OpenStackOptions, startOpenStack } from './cloud.ts';
import type { LoginRequest } from './keystone.ts';

export interface OpenedCloud {
  readonly openStack: OpenStack;
  readonly source: Source;
  readonly cloud: Cloud;
}

export interface OpenCloudOptions extends OpenStackOptions {
  /** Of the application credential of the source. Default: of an administrator. */
  readonly login?: LoginRequest;
  /** More keys of the source. */
  readonly config?: object | ((openStack: OpenStack) => object);
}

/** Starts a cloud and opens a source `lab` for it. Both are closed when the test has finished. */
export async function openLabCloud({
  login,
  config = {},
  ...options
}: OpenCloudOptions = {}): Promise<OpenedCloud> {
  const openStack = await startOpenStack(options);
  onTestFinished(openStack.close);
  const source = openOpenStack(
    openStackConfig.parse({
      kind: 'openstack',
      name: 'lab',
      authUrl: openStack.authUrl,
      auth: { applicationCredential: openStack.addCredential(login) },
      ...(typeof config === 'function' ? (config as (openStack: OpenStack) => object)(openStack) : config),
    }),
  );
  onTestFinished(source.close);
  return { openStack, source, cloud: source.reads.cloud! };
}

/** A signal that never aborts. */
export function neverAborts(): { readonly signal: AbortSignal } {
  return { signal: new AbortController().signal };
}
