import { ApiError } from './api-error.ts';
import { openChannel, readThread, writableChannel } from './methods-chat.ts';
import { APP, type Block } from './model.ts';
import { textOf } from './read-args.ts';
import { newId, type Store } from './store.ts';
import type { Args, Caller, Methods } from './web-api.ts';

/** The states of an upload: requested, received, completed. */
export interface Uploads {
  readonly methods: Methods;
  /** Receives data at an `upload_url`. False if no such upload was requested, or its length differs. */
  readonly receive: (fileId: string, bytes: Buffer) => boolean;
  readonly close: () => void;
}

/** Files appear in the channel after the response, not before it (slackapi/node-slack-sdk#1865). */
const SHARED_AFTER_MS = 25;

export function createUploads(store: Store, uploadUrl: (fileId: string) => string): Uploads {
  const asked = new Map<string, { name: string; length: number; bytes?: Buffer }>();
  const timers = new Set<NodeJS.Timeout>();
  const write = { needs: ['files:write'] };

  const complete = (args: Args, caller: Caller) => {
    const wanted = args['files'] as readonly { id: string; title?: string }[] | undefined;
    if (!Array.isArray(wanted) || wanted.length === 0) throw new ApiError('invalid_arguments');
    const files = wanted.map(({ id, title }) => {
      const upload = asked.get(id);
      if (!upload?.bytes) throw new ApiError('file_not_found', { file: id });
      return { id, name: upload.name, title: title ?? upload.name, bytes: upload.bytes };
    });
    const channelId = args['channel_id'];
    if (channelId !== undefined) {
      openChannel(store, args);
      // `chat:write.public` does not apply to files.
      if (!openChannel(store, args).botIsMember) throw new ApiError('not_in_channel');
      const channel = writableChannel(store, args, caller);
      const threadTs = readThread(store, channel, args);
      const blocks = args['blocks'] as readonly Block[] | undefined;
      const text = textOf(args['initial_comment']);
      const share = () =>
        store.add({ channel: channel.id, user: APP.botUserId, text, blocks, threadTs, files });
      const timer = setTimeout(() => {
        timers.delete(timer);
        share();
      }, SHARED_AFTER_MS);
      timers.add(timer);
    }
    for (const file of files) {
      asked.delete(file.id);
      store.files.set(file.id, file);
    }
    return { files: files.map(({ id, title }) => ({ id, title })) };
  };

  return {
    methods: {
      'files.getUploadURLExternal': {
        ...write,
        answer: (args) => {
          const length = Number(args['length']);
          if (!args['filename'] || !(length > 0)) throw new ApiError('invalid_arguments');
          const id = newId('F');
          asked.set(id, { name: textOf(args['filename']), length });
          return { upload_url: uploadUrl(id), file_id: id };
        },
      },
      'files.completeUploadExternal': { ...write, answer: complete },
    },
    receive: (fileId, bytes) => {
      const upload = asked.get(fileId);
      if (!upload || upload.length !== bytes.length) return false;
      upload.bytes = bytes;
      return true;
    },
    close: () => {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
