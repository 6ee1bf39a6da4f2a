// Where this page is, and how it asks the workspace.

export const find = (id) => document.getElementById(id);
export const place = readAddress();
/** What was last shown; `first` is settled once there is something. */
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

/** What people click belongs to what the page shows. */
export async function post(path, body) {
  await shown.first.promise;
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user: shown.state.user, channel: shown.state.channel.id, ...body }),
  });
  return response.ok ? response.json() : {};
}

/** What people write belongs to where they have gone, though the page may still show where they were. */
export async function write(path, body) {
  await shown.first.promise;
  return post(path, { user: place.user, channel: place.channel, ...body });
}

/** One question at a time; asks again if something changed meanwhile, so that the last word is always shown. */
export function createRefresh(show) {
  let isAsking = false;
  let mustAskAgain = false;
  const ask = async () => {
    const query = String(new URLSearchParams(place));
    const response = await fetch(`/page/state?${query}`);
    if (!response.ok) return;
    const state = await response.json();
    // Who has gone elsewhere meanwhile has asked again, and must not be brought back.
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
