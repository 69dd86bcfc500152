/** What namers and announcers ask of ZooKeeper, over one session; paths are below the chroot. */
import type { PluginContext } from "../../../plugins/contract.ts";
import { code, isCode, op, type Request, readStat } from "./protocol.ts";
import { Requests } from "./requests.ts";
import { Session, type SessionOptions } from "./session.ts";
import type { Watch, WatchKind } from "./watches.ts";

/** A node's data. */
export interface NodeData {
  readonly data: Buffer;
  /** The session that it belongs to; 0 for one that stays. */
  readonly owner: bigint;
}

/** How a node is made. */
export interface CreateMode {
  /** It goes with the session. */
  readonly ephemeral: boolean;
  /** The server puts a number behind its name. */
  readonly sequential: boolean;
}

/** Everybody may do everything with it. */
const openAcl = { permissions: 31, scheme: "world", id: "anyone" };

/** A session with operations. */
export class ZooKeeper {
  readonly session: Session;
  readonly #requests: Requests;
  readonly #chroot: string;

  /** `chroot` is a path, or empty. */
  constructor(
    options: SessionOptions & { readonly chroot: string },
    ctx: Pick<PluginContext, "clock" | "random" | "log" | "metrics">,
  ) {
    this.session = new Session(options, ctx);
    this.#requests = new Requests(this.session, ctx);
    this.#chroot = options.chroot === "/" ? "" : options.chroot;
  }

  /** Makes a watch that reads can ask for; `drop` it when it is not wanted any more. */
  watch(kind: WatchKind, path: string, changed: (lost: boolean) => void): Watch {
    return { kind, path: this.#whole(path), changed };
  }

  /** Lets a watch go for good. */
  drop(watch: Watch): void {
    this.#requests.drop(watch);
  }

  /** The names of a node's children; `watch` hears when they change. */
  getChildren(path: string, signal: AbortSignal, watch?: Watch): Promise<string[]> {
    return this.#requests.call(
      this.#read(op.getChildren, "getChildren", path, watch),
      (body) => body.vector(() => body.text()),
      signal,
      watch && { watch, outcome: (error) => (error === undefined ? "set" : "none") },
    );
  }

  /** A node's data; `watch` hears when it changes or goes. */
  getData(path: string, signal: AbortSignal, watch?: Watch): Promise<NodeData> {
    return this.#requests.call(
      this.#read(op.getData, "getData", path, watch),
      (body) => {
        const data = Buffer.from(body.buffer());
        return { data, owner: readStat(body).owner };
      },
      signal,
      watch && { watch, outcome: (error) => (error === undefined ? "set" : "none") },
    );
  }

  /** Whether a node is there; `watch` hears when it comes, changes or goes. */
  async exists(path: string, signal: AbortSignal, watch?: Watch): Promise<boolean> {
    try {
      await this.#requests.call(
        this.#read(op.exists, "exists", path, watch),
        () => undefined,
        signal,
        watch && {
          watch,
          outcome: (error) => {
            if (error === undefined) return "set";
            return isCode(error, code.noNode) ? "set on absence" : "none";
          },
        },
      );
      return true;
    } catch (error) {
      if (isCode(error, code.noNode)) return false;
      throw error;
    }
  }

  /** Makes a node, open to everybody; its path as it is now. */
  async create(path: string, data: Buffer, mode: CreateMode, signal: AbortSignal): Promise<string> {
    const created = await this.#create(this.#whole(path), data, mode, signal);
    return created.slice(this.#chroot.length);
  }

  /** Makes a node that stays, and those above it, the chroot too; those that are there stay as they are. */
  async createAll(path: string, signal: AbortSignal): Promise<void> {
    const names = this.#whole(path)
      .split("/")
      .filter((name) => name !== "");
    for (let size = 1; size <= names.length; size++) {
      const whole = `/${names.slice(0, size).join("/")}`;
      try {
        await this.#create(whole, Buffer.alloc(0), { ephemeral: false, sequential: false }, signal);
      } catch (error) {
        if (!isCode(error, code.nodeExists)) throw error;
      }
    }
  }

  /** Deletes a node; one that is not there is as good. */
  async remove(path: string, signal: AbortSignal): Promise<void> {
    const whole = this.#whole(path);
    const request: Request = {
      op: op.delete,
      what: `delete ${whole}`,
      write: (body) => body.text(whole).int(-1),
    };
    await this.#requests
      .call(request, () => undefined, signal)
      .catch((error: unknown) => {
        if (!isCode(error, code.noNode)) throw error;
      });
  }

  #create(
    whole: string,
    data: Buffer,
    { ephemeral, sequential }: CreateMode,
    signal: AbortSignal,
  ): Promise<string> {
    const request: Request = {
      op: op.create,
      what: `create ${whole}`,
      write(body) {
        body.text(whole).buffer(data);
        body.vector([openAcl], ({ permissions, scheme, id }) => body.int(permissions).text(scheme).text(id));
        body.int((ephemeral ? 1 : 0) + (sequential ? 2 : 0));
      },
    };
    return this.#requests.call(request, (body) => body.text(), signal);
  }

  #whole(path: string): string {
    return path === "/" ? this.#chroot || "/" : `${this.#chroot}${path}`;
  }

  #read(operation: number, name: string, path: string, watch: Watch | undefined): Request {
    const whole = this.#whole(path);
    return {
      op: operation,
      what: `${name} ${whole}`,
      write: (body) => body.text(whole).bool(watch !== undefined),
    };
  }
}
