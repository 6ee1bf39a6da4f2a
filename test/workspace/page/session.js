// The page's location, and its requests to the workspace.

export const find = (id) => document.getElementById(id);
export const place = readAddress();
/** The state on screen; `first` resolves once there is one. */
export const shown = { state: undefined, first: Promise.withResolvers() };

function readAddress() {
  const link = /^\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(location.pathname);
  const [channel = '', thread = ''] = link
    ? [link[1], `${link[2]}.${link[3]}`]
    : location.hash.slice(1).split('/');
  return { user: sessionStorage.getItem('user') ?? '', channel, thread };
}

export function writeAddress() {
  const hash = place.thread ? `#${place.channel}/${place.thread}` : `#${place.channel}`;
  history.replaceState(null, '', `/${hash}`);
}

/** Clicks belong to the state on screen. */
export async function post(path, body) {
  await shown.first.promise;
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user: shown.state.user, channel: shown.state.channel.id, ...body }),
  });
  return response.ok ? response.json() : {};
}

/** Typed text belongs to the chosen channel, even if the page still shows the previous one. */
export async function write(path, body) {
  await shown.first.promise;
  return post(path, { user: place.user, channel: place.channel, ...body });
}

/**
 * One request at a time; repeats it if something changed meanwhile, so that the latest state is always
 * shown.
 */
export function createRefresh(show) {
  let isAsking = false;
  let mustAskAgain = false;
  const ask = async () => {
    const query = String(new URLSearchParams(place));
    const response = await fetch(`/page/state?${query}`);
    if (!response.ok) return;
    const state = await response.json();
    // If the person has moved elsewhere meanwhile, this response is outdated.
    if (query === String(new URLSearchParams(place))) show(state);
  };
  return async () => {
    mustAskAgain = true;
    if (isAsking) return;
    isAsking = true;
    try {
      while (mustAskAgain) {
        mustAskAgain = false;
        await ask();
      }
    } finally {
      isAsking = false;
    }
  };
}
