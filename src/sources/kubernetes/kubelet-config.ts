import type { KubeletConfig, Threshold } from '../../ports/clusters.ts';
import { asObject, type JsonObject, numberIn, textIn } from '../../wire/json-object.ts';
import { optionalText } from './json-values.ts';
import { parseGoDuration, parseQuantity } from './quantity.ts';

/** Creates the error for an unusable response. */
export type Malformed = (because: string) => Error;

/** https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#hard-eviction-thresholds, on Linux. */
const DEFAULT_HARD: Readonly<Record<string, string>> = {
  'memory.available': '100Mi',
  'nodefs.available': '10%',
  'nodefs.inodesFree': '5%',
  'imagefs.available': '15%',
  'imagefs.inodesFree': '5%',
};

/**
 * The settings in `/configz` that concern disks. They include the defaults, so an absent `evictionHard` is empty.
 * @throws the error of `malformed`, for an unusable response.
 */
export function toKubeletConfig(body: JsonObject, malformed: Malformed): KubeletConfig {
  // Kubelets before 1.10 name it `componentconfig`.
  const shown = body['kubeletconfig'] ?? body['componentconfig'];
  if (typeof shown !== 'object' || shown === null || Array.isArray(shown))
    throw malformed('it has no `kubeletconfig`');
  const config = shown as JsonObject;
  const hard = signalsIn(config, 'evictionHard', malformed);
  const inForce = config['mergeDefaultEvictionSettings'] === true ? { ...DEFAULT_HARD, ...hard } : hard;
  const transitionMs = parseGoDuration(textIn(config, 'evictionPressureTransitionPeriod') ?? '');
  const high = percentIn(config, 'imageGCHighThresholdPercent');
  const low = percentIn(config, 'imageGCLowThresholdPercent');
  const logBytes = parseQuantity(textIn(config, 'containerLogMaxSize') ?? '');
  const logFiles = numberIn(config, 'containerLogMaxFiles');
  return {
    evictionHard: toThresholds(inForce),
    evictionSoft: toThresholds(signalsIn(config, 'evictionSoft', malformed)),
    evictionMinimumReclaim: toThresholds(
      signalsIn(config, 'evictionMinimumReclaim', malformed),
      parseReclaim,
    ),
    ...(transitionMs !== undefined && { pressureTransitionMs: transitionMs }),
    ...(high !== undefined && { imageGcHighPercent: high }),
    ...(low !== undefined && { imageGcLowPercent: low }),
    ...optionalText(
      'staticPodPath',
      config,
      config['staticPodPath'] === undefined ? 'podManifestPath' : 'staticPodPath',
    ),
    ...(logBytes !== undefined && logBytes > 0 && { containerLogMaxBytes: logBytes }),
    ...(logFiles !== undefined && logFiles > 0 && { containerLogMaxFiles: logFiles }),
  };
}

/** A map; before 1.10 a string such as `memory.available<100Mi,nodefs.available<10%`, with `=` for what to reclaim. */
function signalsIn(config: JsonObject, key: string, malformed: Malformed): Readonly<Record<string, unknown>> {
  const value = config[key];
  if (value === undefined || value === null || value === '') return {};
  if (typeof value === 'string')
    return Object.fromEntries(
      value.split(',').map((statement) => {
        const [signal = '', limit = ''] = statement.split(/[<=]/);
        return [signal.trim(), limit.trim()];
      }),
    );
  if (typeof value !== 'object' || Array.isArray(value)) throw malformed(`its \`${key}\` is not a map`);
  return asObject(value);
}

function toThresholds(
  signals: Readonly<Record<string, unknown>>,
  parse: (value: unknown) => Threshold | undefined = parseThreshold,
): Readonly<Record<string, Threshold>> {
  return Object.fromEntries(
    Object.entries(signals).flatMap(([signal, value]) => {
      const threshold = parse(value);
      return threshold ? [[signal, threshold]] : [];
    }),
  );
}

/**
 * Parses a limit like the kubelet. `0%` and `100%` disable a signal:
 * https://github.com/kubernetes/kubernetes/blob/v1.33.0/pkg/kubelet/eviction/helpers.go (`parseThresholdStatement`)
 * @returns undefined for a disabled signal.
 */
export function parseThreshold(value: unknown): Threshold | undefined {
  const threshold = parseShareOrAmount(value);
  if ('unreadable' in threshold || 'amount' in threshold) return threshold;
  if (threshold.share === 0 || threshold.share === 1) return undefined;
  return threshold.share < 1 ? threshold : { unreadable: String(value).trim().slice(0, 50) };
}

/**
 * Parses what to reclaim above a limit. Unlike a limit, it may be 100% or more.
 * @returns undefined if it is nothing.
 */
function parseReclaim(value: unknown): Threshold | undefined {
  const reclaim = parseShareOrAmount(value);
  const isNothing =
    ('share' in reclaim && reclaim.share === 0) || ('amount' in reclaim && reclaim.amount === 0);
  return isNothing ? undefined : reclaim;
}

function parseShareOrAmount(value: unknown): Threshold {
  if (typeof value !== 'string') return { unreadable: JSON.stringify(value).slice(0, 50) };
  const text = value.trim();
  const percent = /^(\d+(?:\.\d+)?|\.\d+)%$/.exec(text)?.[1];
  if (percent !== undefined) return { share: Number(percent) / 100 };
  const amount = parseQuantity(text);
  return amount === undefined || amount < 0 ? { unreadable: text.slice(0, 50) } : { amount };
}

function percentIn(config: JsonObject, key: string): number | undefined {
  const value = numberIn(config, key);
  return value !== undefined && value >= 0 && value <= 100 ? value : undefined;
}
