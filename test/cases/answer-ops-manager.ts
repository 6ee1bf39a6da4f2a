import { type CallAnswer, type CallRequest, findCall, type KnownCall } from './known-calls.ts';
import { answerUaa } from './serve-answers.ts';

/** An Ops Manager with its UAA that answers as a case file says. Its version is derived from the calls in the file. */
export function answerOpsManager(calls: readonly KnownCall[]): (request: CallRequest) => CallAnswer {
  const hasV1 = calls.some(({ path }) => path.startsWith('/api/v1/'));
  return (request) => {
    const known = findCall(calls, request) ?? findCall(calls, request, ['expires_within']);
    if (known) return known;
    const { path } = request;
    if (path.startsWith('/uaa/')) return answerUaa(request);
    if (path === '/api/v0/info')
      return { status: 200, body: { info: { version: hasV1 ? '3.0.37' : '2.10.70' } } };
    return { status: 404, body: { errors: ['The requested endpoint does not exist'] } };
  };
}
