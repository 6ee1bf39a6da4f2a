import { type Evidence, wording } from '../../kit.ts';
import { field } from '../../shared/evidence.ts';

/** nova-api writes one line for each request: https://docs.openstack.org/oslo.service or eventlet's `wsgi.server`. */
const REQUEST =
  /\b(GET|POST|PUT|DELETE|PATCH|HEAD) (\/\S*)[^\n]*? status: (\d+)[^\n]*? time: (\d+(?:\.\d+)?)/;
/** As uWSGI logs a request: https://uwsgi-docs.readthedocs.io/en/latest/LogFormat.html */
const OF_UWSGI = /\b(GET|POST|PUT|DELETE|PATCH|HEAD) (\/\S*) => generated \d+ bytes in (\d+) msecs/;
const FALSE = /^(0|f|false|off|n|no)$/i;
/** Faster ones aren't worth a mention. */
const SLOW_SECONDS = 1;

interface SlowRequest {
  /** Without the query, which may contain secrets. */
  readonly request: string;
  readonly seconds: number;
  /** What makes it read deleted instances: `deleted=true`. */
  readonly readsDeleted?: string;
}

/** What the log shows about slow requests: which of them read deleted instances by what they request. Others may be slow for any reason. */
export function slowRequestEvidence(lines: readonly string[] | undefined): readonly Evidence[] {
  if (!lines) return [];
  const slow = lines
    .flatMap((line) => parse(line) ?? [])
    .filter(({ seconds }) => seconds >= SLOW_SECONDS)
    .toSorted((a, b) => b.seconds - a.seconds);
  const [worst, ...rest] = slow.filter(({ readsDeleted }) => readsDeleted !== undefined);
  const others = slow.length - rest.length - (worst ? 1 : 0);
  const unexplained =
    others === 0
      ? undefined
      : `${wording.count(others, `${worst ? 'other ' : ''}slow request`)} didn't read deleted instances`;
  if (!worst)
    return [
      field('API, last hour', unexplained === undefined ? 'no slow requests' : capitalized(unexplained)),
    ];
  const more = rest.length === 0 ? '' : `, and ${wording.count(rest.length, 'similar request')}`;
  return [
    field(
      'Slowed down',
      `${worst.request} took ${Number(worst.seconds.toFixed(1))} s: it reads deleted instances too (${worst.readsDeleted})${more}`,
    ),
    ...(unexplained === undefined ? [] : [field('Not slowed down by this', capitalized(unexplained))]),
  ];
}

function capitalized(text: string): string {
  return wording.capitalize(text);
}

function parse(line: string): SlowRequest | undefined {
  const [, method = '', url = '', , time = ''] = REQUEST.exec(line) ?? [];
  const [, methodOfUwsgi = '', urlOfUwsgi = '', ms = ''] = OF_UWSGI.exec(line) ?? [];
  if (method !== '') return toRequest(method, url, Number(time));
  return methodOfUwsgi === '' ? undefined : toRequest(methodOfUwsgi, urlOfUwsgi, Number(ms) / 1_000);
}

function toRequest(method: string, url: string, seconds: number): SlowRequest {
  const [path = '', query = ''] = url.split('?', 2);
  const readsDeleted = whyDeleted(path, query);
  return {
    request: `${method} ${path}`,
    seconds,
    ...(readsDeleted !== undefined && { readsDeleted }),
  };
}

/** https://docs.openstack.org/api-ref/compute/#list-servers */
function whyDeleted(path: string, query: string): string | undefined {
  // The usage of a time includes instances that were deleted in it.
  if (path.includes('/os-simple-tenant-usage')) return 'usage of a time';
  // Havana's EC2 API read the metadata of all instances.
  if (path.startsWith('/services/Cloud')) return 'EC2 API';
  const named = query.split('&').map((part) => part.split('=', 2) as [string, string?]);
  return named.flatMap(([name, value = '']) => {
    if (name === 'deleted' && !FALSE.test(value)) return ['deleted=true'];
    if (name === 'changes-since' || name === 'changes-before') return [name];
    return name === 'status' && /^(soft_)?deleted$/i.test(value) ? ['status=deleted'] : [];
  })[0];
}
