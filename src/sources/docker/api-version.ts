import { SourceError } from '../../ports/source-error.ts';
import { asObject, listIn, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';

/** The response to `GET /version`, and the API version that both sides support. */
export interface EngineVersion {
  readonly product: 'docker' | 'podman';
  readonly version: string;
  /** `1.47`. */
  readonly apiVersion: string;
}

/** Docker 1.13: the first with `/system/df`. */
const OLDEST = '1.25';
const NEWEST = '1.53';
/** Engines before 1.13 do not report the oldest version that they accept. */
const OLDEST_UNREPORTED = '1.12';
const PATTERN = /^\d{1,3}\.\d{1,3}$/;

/** The newest version that both support. @throws {SourceError} if there is none, or if the response is not from an engine. */
export function negotiate(
  source: string,
  name: string,
  { body, isLibpod }: { readonly body: unknown; readonly isLibpod: boolean },
): EngineVersion {
  const answer = asObject(body);
  const newest = textIn(answer, 'ApiVersion') ?? '';
  const oldest = textIn(answer, 'MinAPIVersion') ?? OLDEST_UNREPORTED;
  if (!PATTERN.test(newest) || !PATTERN.test(oldest))
    throw new SourceError(
      source,
      'malformed',
      `${name} did not report an API version: it may not be a container engine`,
    );
  const version = printable(textIn(answer, 'Version') ?? 'unknown');
  const isPodman =
    isLibpod || listIn(answer, 'Components').some((one) => /^podman/i.test(textIn(one, 'Name') ?? ''));
  const product = isPodman ? 'podman' : 'docker';
  const apiVersion = isOlder(newest, NEWEST) ? newest : NEWEST;
  const ranges = `${name} runs ${product === 'podman' ? 'Podman' : 'Docker'} ${version} with API versions ${oldest} to ${newest}, and Wrench uses ${OLDEST} to ${NEWEST}`;
  if (isOlder(apiVersion, OLDEST))
    throw new SourceError(source, 'refused', `${ranges}: upgrade the engine, which is too old`);
  if (isOlder(apiVersion, oldest))
    throw new SourceError(source, 'refused', `${ranges}: upgrade Wrench, which is too old for it`);
  return { product, version, apiVersion };
}

/** Whether one version of the API is before another: 1.9 is before 1.10. */
export function isOlder(one: string, other: string): boolean {
  const [major = 0, minor = 0] = one.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number);
  return major === otherMajor ? minor < otherMinor : major < otherMajor;
}
