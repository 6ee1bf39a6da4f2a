import { wording } from '../../kit.ts';
import type { Amount, Room } from './room.ts';

const GIB = 1_024 ** 3;
const MIB = 1_024 ** 2;
const HOUR_MS = 3_600_000;

/** In the units of `kubectl` and the kubelet's configuration: `1.28 GiB`, `127.5 GiB`, `300 MiB`. */
export function binaryBytes(bytes: number): string {
  return bytes < GIB / 10 ? `${Math.round(bytes / MIB)} MiB` : `${rounded(bytes / GIB)} GiB`;
}

/** `33 of 40 GiB`, or `12.5 of 128 MiB`, in one unit. */
export function bytesOf(part: number, whole: number): string {
  return whole < GIB
    ? `${rounded(part / MIB)} of ${rounded(whole / MIB)} MiB`
    : `${rounded(part / GIB)} of ${rounded(whole / GIB)} GiB`;
}

function rounded(amount: number): string {
  return String(Number(amount.toFixed(amount < 10 ? 2 : 1)));
}

/** `12.0%`; without the decimal from 25% on. */
export function freePercent(share: number, limitShare?: number): string {
  const isPlenty = share >= 0.25 && share >= (limitShare ?? 0);
  return isPlenty ? wording.percent(share) : exactPercent(share, limitShare);
}

/** With one decimal, and with more if a value below a limit would otherwise read like the limit: below 15%, 14.97% is `14.97%`, and 14.999% is `just under 15%`. */
export function exactPercent(share: number, limitShare?: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.05) return 'less than 0.1%';
  if (percent === 0) return '0%';
  // Floating point can make half a step slightly less than half.
  const decimal = (percent + 1e-6).toFixed(1);
  if (limitShare === undefined || share >= limitShare || Number(decimal) < limitShare * 100)
    return `${decimal}%`;
  const limit = limitShare * 100;
  const exact = percent.toFixed(2);
  return Number(exact) < limit ? `${exact}%` : `just under ${Number(limit.toFixed(2))}%`;
}

/** As configured: `15%`, or `10 GiB` for a limit that is an amount. */
export function limitText({ amount, share, isAbsolute }: Amount, resource: Room['resource']): string {
  if (!isAbsolute) return `${Number((share * 100).toFixed(2))}%`;
  return resource === 'bytes' ? binaryBytes(amount) : wholeNumber(amount);
}

/** `11,904,333` */
export function wholeNumber(amount: number): string {
  return String(Math.round(amount)).replaceAll(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** What `df` prints as Use%, rounded up as `df` does. Unlike the kubelet, `df` leaves out the space reserved for root. */
export function dfPercent({
  usedBytes,
  availableBytes,
}: Pick<Room['disk'], 'usedBytes' | 'availableBytes'>): number | undefined {
  if (usedBytes === undefined || usedBytes + availableBytes === 0) return undefined;
  return Math.ceil((usedBytes / (usedBytes + availableBytes)) * 100 - 1e-9);
}

/** `about 3 hours`: rounded, because it is an estimate. */
export function aboutTime(ms: number): string {
  const isHours = ms >= 1.5 * HOUR_MS;
  const unit = isHours ? HOUR_MS : HOUR_MS / 12;
  return `about ${wording.span(Math.max(1, Math.round(ms / unit)) * unit)}`;
}

/** `12:01 UTC` */
export function clockTime(ms: number): string {
  const minutes = Math.floor(ms / 60_000) % 1_440;
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)} UTC`;
}
