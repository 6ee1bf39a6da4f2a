import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FaultPlan } from '../faults.ts';
import { mimeOf } from '../describe.ts';
import { createFaultInjector } from '../fault-injection.ts';
import { textOf } from '../read-args.ts';
import { answerJson, readBody } from '../read-body.ts';
import type { Store } from '../store.ts';
import type { PageParts } from './page-parts.ts';
import { readState } from './read-state.ts';
import { createMessageRenderer } from './render-message.ts';

export interface Page {
  readonly answer: (path: string, request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly close: () => void;
}

/** Only our own files may run or load: a hostile host name that became HTML would have no effect. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

interface Asset {
  readonly url: URL;
  readonly type: string;
}

const own = (names: readonly string[], type: string): [path: string, asset: Asset][] =>
  names.map((name) => [`/page/${name}`, { url: new URL(name, import.meta.url), type }]);

const assets: ReadonlyMap<string, Asset> = new Map([
  ['/', { url: new URL('index.html', import.meta.url), type: 'text/html; charset=utf-8' }],
  ...own(['frame.css', 'message.css', 'blocks.css', 'fault-injection.css', 'form.css'], 'text/css'),
  ...own(
    ['client.js', 'session.js', 'draw.js', 'compose.js', 'act.js', 'fault-injection.js', 'form.js'],
    'text/javascript',
  ),
  [
    '/page/library.css',
    { url: new URL('style.css', import.meta.resolve('slack-blocks-to-jsx')), type: 'text/css' },
  ],
]);

export function createPage(parts: PageParts): Page {
  const watchers = watchChanges(parts.store);
  const renderer = createMessageRenderer(parts.store);
  const injectFault = createFaultInjector(parts.faultInjections);

  return {
    answer: async (path, request, response) => {
      if (!isOurs(request)) {
        response.writeHead(403).end('this page is for its own machine');
        return;
      }
      const asset = assets.get(path.startsWith('/archives/') ? '/' : path);
      if (request.method === 'POST' && path === '/page/inject-fault') {
        const { label } = JSON.parse((await readBody(request)).toString('utf8')) as Record<string, unknown>;
        answerJson(response, 200, await injectFault(textOf(label)));
      } else if (request.method === 'POST') await act(parts, path, request, response);
      else if (path === '/page/events') watchers.add(response);
      else if (path === '/page/state') {
        const { searchParams } = new URL(request.url ?? '/', 'http://loopback');
        answerJson(response, 200, readState(parts, renderer, searchParams), HEADERS);
      } else if (path.startsWith('/page/files/')) sendFile(parts.store, path, response);
      else if (asset) {
        response.writeHead(200, { ...HEADERS, 'content-type': asset.type }).end(await readFile(asset.url));
      } else response.writeHead(404).end();
    },
    close: watchers.close,
  };
}

async function act(parts: PageParts, path: string, request: IncomingMessage, response: ServerResponse) {
  const given = JSON.parse((await readBody(request)).toString('utf8')) as Record<string, unknown>;
  const at = { userId: textOf(given['user']), channelId: textOf(given['channel']) };
  const { store, interactions } = parts;
  switch (path) {
    case '/page/command': {
      const [command = '', ...words] = textOf(given['text']).trim().split(' ');
      const { status, failure } = await interactions.command({
        ...at,
        command,
        text: words.join(' ').trim(),
      });
      return answerJson(response, 200, { status, failure });
    }
    case '/page/click': {
      const { status, failure } = await interactions.click({
        ...at,
        messageTs: textOf(given['ts']),
        actionId: textOf(given['action']),
        ...(typeof given['value'] === 'string' ? { value: given['value'] } : {}),
      });
      return answerJson(response, 200, { status, failure });
    }
    case '/page/submit': {
      const { failure, body } = await interactions.submit({
        userId: at.userId,
        viewId: textOf(given['view']),
        values: given['values'] as Readonly<Record<string, Readonly<Record<string, string>>>>,
      });
      const { errors } = (body ?? {}) as { readonly errors?: Readonly<Record<string, string>> };
      return answerJson(response, 200, { failure, errors });
    }
    case '/page/close-form':
      store.views.delete(textOf(given['view']));
      store.touch();
      return answerJson(response, 200, {});
    case '/page/say': {
      const threadTs = textOf(given['thread']) || undefined;
      const text = withMentions(store, escapeTyped(textOf(given['text'])));
      const { delivered } = await interactions.write({ ...at, text, ...(threadTs && { threadTs }) });
      return answerJson(response, 200, { isForBot: delivered !== undefined, failure: delivered?.failure });
    }
    case '/page/fault':
      switchFault(parts.faults, textOf(given['fault']));
      return answerJson(response, 200, {});
    default:
      response.writeHead(404).end();
  }
}

/**
 * The switches of the sidebar; each affects the bot's next calls of a kind, so that people see it recover.
 */
function switchFault(faults: FaultPlan, name: string): void {
  const switches: Readonly<Record<string, () => void>> = {
    'rate-limit': () => faults.rateLimit('chat.postMessage', { retryAfterSeconds: 3, times: 2 }),
    'server-error': () => faults.serverError('chat.postMessage', { times: 2 }),
    'lose-answer': () => faults.loseAnswer('chat.postMessage', { times: 1 }),
    slow: () => faults.slow('*', { ms: 1_500, times: 10 }),
    twice: () => faults.deliverTimes(2),
    rates: () => faults.paceLikeSlack(true),
    clear: faults.clear,
  };
  switches[name]?.();
}

/** Another site's page in the same browser must not send commands, neither by form nor by DNS rebinding. */
function isOurs(request: IncomingMessage): boolean {
  const { host = '', origin } = request.headers;
  const isLoopback = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host);
  return isLoopback && (origin === undefined || origin === `http://${host}`);
}

/** As Slack's composer: the name of a person or of the bot becomes a mention, unless it is in code. */
function withMentions(store: Store, text: string): string {
  return text.replaceAll(/```[\s\S]*?```|`[^`\n]*`|(?<![\w@])@([\w.-]+)/g, (whole, name?: string) => {
    const user = store.users.find((one) => one.name === name?.toLowerCase());
    return user ? `<@${user.id}>` : whole;
  });
}

function escapeTyped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function sendFile(store: Store, path: string, response: ServerResponse): void {
  const file = store.files.get(path.split('/').at(-1) ?? '');
  if (!file) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    ...HEADERS,
    'content-type': `${mimeOf(file.name)}; charset=utf-8`,
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(file.name)}`,
  });
  response.end(file.bytes);
}

/** Notifies open pages of a change; they fetch it. Bursts are notified once. */
function watchChanges(store: Store) {
  const open = new Set<ServerResponse>();
  let timer: NodeJS.Timeout | undefined;
  const stop = store.onChange(() => {
    timer ??= setTimeout(() => {
      timer = undefined;
      for (const response of open) response.write('data: changed\n\n');
    }, 20).unref();
  });
  return {
    add: (response: ServerResponse) => {
      response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream' });
      response.write('data: open\n\n');
      open.add(response);
      response.on('close', () => open.delete(response));
    },
    close: () => {
      stop();
      clearTimeout(timer);
      for (const response of open) response.end();
    },
  };
}
