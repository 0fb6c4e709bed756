import { describe, expect, it, vi } from "vitest";
import { ModisteError } from "#libs/core/errors.ts";
import { followReleases, type ReleaseFollower } from "./follower.ts";
import type { ReleaseManifest } from "./manifest.ts";
import type { ReleaseStore } from "./store.ts";

/** A shelf of releases by hand; only what a follower asks of a store. */
class Shelf {
  name: string | null = null;
  readonly faulty = new Set<string>();
  readonly parents = new Map<string, string>();
  readonly loads: string[] = [];
  readonly events: string[] = [];
  /** Thrown by every look. */
  fault: ModisteError | null = null;

  private readonly store: Pick<ReleaseStore, "location" | "current" | "manifest"> = {
    location: "the shelf",
    current: async () => {
      if (this.fault) throw this.fault;
      return this.name;
    },
    manifest: async (id) => ({ id, parent: this.parents.get(id) ?? null }) as ReleaseManifest,
  };

  /** Where it is set, loads wait for it. */
  gate: Promise<void> | null = null;

  follow(
    warm?: (release: string) => void,
    more: { readonly intervalMs?: number; readonly firstMs?: number } = {},
  ): Promise<ReleaseFollower<string>> {
    return followReleases<string>({
      store: this.store as ReleaseStore,
      load: async ({ id }) => {
        this.loads.push(id);
        await this.gate;
        if (this.faulty.has(id)) throw new ModisteError("data_loss", "release_sum", `release ${id} is broken`);
        return `artefact of ${id}`;
      },
      ...(warm ? { warm: async ({ release }) => warm(release) } : {}),
      retire: async ({ release }) => void this.events.push(`frees ${release}`),
      retireMs: 0,
      onSwap: (release) => this.events.push(`serves ${release}`),
      onRefusal: (release, error) => this.events.push(`refused ${release}: ${error.reason}`),
      // Looks are made by hand.
      intervalMs: 1e8,
      onFault: (fault) => this.events.push(fault === null ? "sees again" : `sees not: ${fault.reason}`),
      ...more,
    });
  }
}

describe("a follower", () => {
  it("is not ready before the first release, and says what to do", async () => {
    const shelf = new Shelf();
    const follower = await shelf.follow();
    expect(follower.notReady()).toContain("modiste train");
    expect(() => follower.current()).toThrow(expect.objectContaining({ code: "unavailable", reason: "release_missing" }));
    shelf.name = "r1";
    await follower.refresh();
    expect(follower.notReady()).toBeNull();
    expect(follower.current()).toMatchObject({ release: "r1", artifact: "artefact of r1" });
    await follower.close();
  });

  it("swaps to what is named, keeps the one before, and answers pinned requests from either", async () => {
    const shelf = new Shelf();
    shelf.name = "r1";
    const follower = await shelf.follow();
    for (const id of ["r2", "r3"]) {
      shelf.name = id;
      await follower.refresh();
    }
    expect(follower.current().release).toBe("r3");
    expect(follower.pinned("r2").release).toBe("r2");
    expect(follower.pinned("r3").release).toBe("r3");
    expect(follower.pinned("r1").release).toBe("r3");
    await vi.waitFor(() => expect(shelf.events).toEqual(["serves r1", "serves r2", "serves r3", "frees r1"]));
    await follower.close();
  });

  it("frees at its end all that it holds, each once", async () => {
    const shelf = new Shelf();
    shelf.name = "r1";
    const follower = await shelf.follow();
    for (const id of ["r2", "r3"]) {
      shelf.name = id;
      await follower.refresh();
    }
    await follower.close();
    expect(shelf.events.slice(3).sort()).toEqual(["frees r1", "frees r2", "frees r3"]);
  });

  it("frees no release that it may still be asked for, and one at once that warming up refused", async () => {
    const shelf = new Shelf();
    shelf.name = "r1";
    const follower = await shelf.follow((release) => {
      if (release === "r3") throw new ModisteError("data_loss", "golden_differs", "r3 answers otherwise");
    });
    for (const id of ["r2", "r1", "r2", "r3"]) {
      shelf.name = id;
      await follower.refresh();
    }
    expect(shelf.events).toEqual(["serves r1", "serves r2", "serves r1", "serves r2", "frees r3", "refused r3: golden_differs"]);
    await follower.close();
  });

  it("that starts on a refused release serves its nearest sound ancestor", async () => {
    const shelf = new Shelf();
    shelf.name = "r3";
    shelf.parents.set("r3", "r2").set("r2", "r1");
    shelf.faulty.add("r3").add("r2");
    const follower = await shelf.follow();
    expect(follower.current().release).toBe("r1");
    expect(follower.notReady()).toBeNull();
    expect(shelf.events).toEqual(["refused r3: release_sum", "refused r2: release_sum", "serves r1"]);
    await follower.close();
  });

  it("rolls back to the one before without loading it again", async () => {
    const shelf = new Shelf();
    shelf.name = "r1";
    const follower = await shelf.follow();
    const first = follower.current();
    shelf.name = "r2";
    await follower.refresh();
    shelf.name = "r1";
    await follower.refresh();
    expect(follower.current()).toBe(first);
    expect(follower.pinned("r2").release).toBe("r2");
    expect(shelf.loads).toEqual(["r1", "r2"]);
    await follower.close();
  });

  it("refuses a faulty release once, keeps serving, and recovers with the next", async () => {
    const shelf = new Shelf();
    shelf.name = "r1";
    const follower = await shelf.follow();
    shelf.faulty.add("r2");
    shelf.name = "r2";
    for (let looks = 0; looks < 3; looks++) await follower.refresh();
    expect(follower.current().release).toBe("r1");
    expect(follower.notReady()).toBeNull();
    shelf.name = "r3";
    await follower.refresh();
    expect(follower.current().release).toBe("r3");
    expect(shelf.loads).toEqual(["r1", "r2", "r3"]);
    expect(shelf.events).toEqual(["serves r1", "refused r2: release_sum", "serves r3"]);
    await follower.close();
  });

  it("looks again at a refused release that was taken back, mended and promoted again", async () => {
    const shelf = new Shelf();
    shelf.name = "r1";
    const follower = await shelf.follow();
    shelf.faulty.add("r2");
    for (const id of ["r2", "r1"]) {
      shelf.name = id;
      await follower.refresh();
    }
    shelf.faulty.clear();
    shelf.name = "r2";
    await follower.refresh();
    expect(follower.current().release).toBe("r2");
    await follower.close();
  });

  it("says why nothing serves when the first release is refused", async () => {
    const shelf = new Shelf();
    shelf.faulty.add("r1");
    shelf.name = "r1";
    const follower = await shelf.follow();
    expect(follower.notReady()).toBe("release r1 was refused: release r1 is broken");
    expect(() => follower.current()).toThrow("release r1 was refused");
    await follower.close();
  });

  it("serves a release only after it was warmed, and refuses it when that fails", async () => {
    const shelf = new Shelf();
    const warmed: string[] = [];
    shelf.name = "r1";
    const follower = await shelf.follow((release) => {
      if (release === "r2") throw new Error("a golden request failed");
      warmed.push(`${release} before ${shelf.events.length} swaps`);
    });
    shelf.name = "r2";
    await follower.refresh();
    expect(warmed).toEqual(["r1 before 0 swaps"]);
    expect(follower.current().release).toBe("r1");
    expect(shelf.events.at(-1)).toBe("refused r2: unexpected");
    await follower.close();
  });

  it("waits at its start for a store that cannot be looked at, says why it is not ready, and serves when it can", async () => {
    const shelf = new Shelf();
    shelf.name = "r1";
    shelf.fault = new ModisteError("unavailable", "store_unreachable", "nobody answers");
    const follower = await shelf.follow(undefined, { intervalMs: 5 });
    expect(follower.notReady()).toBe("no release can be had from the shelf: nobody answers");
    expect(() => follower.current()).toThrow(expect.objectContaining({ code: "unavailable" }));
    shelf.fault = null;
    await vi.waitFor(() => expect(follower.current().release).toBe("r1"));
    await vi.waitFor(() => expect(shelf.events).toEqual(["sees not: store_unreachable", "serves r1", "sees again"]));
    await follower.close();
  });

  it("goes on serving while the store cannot be looked at, tells of it once, and loads what was promoted in the meantime", async () => {
    const shelf = new Shelf();
    shelf.name = "r1";
    const follower = await shelf.follow(undefined, { intervalMs: 5 });
    shelf.fault = new ModisteError("unavailable", "store_unreachable", "nobody answers");
    await vi.waitFor(() => expect(follower.remark()).toBe("the shelf cannot be looked at: nobody answers; r1 serves"));
    shelf.name = "r2";
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(follower.notReady()).toBeNull();
    expect(follower.current().release).toBe("r1");
    shelf.fault = new ModisteError("permission_denied", "store_refused", "not with this key");
    await vi.waitFor(() => expect(follower.remark()).toContain("not with this key"));
    shelf.fault = null;
    await vi.waitFor(() => expect(follower.current().release).toBe("r2"));
    await vi.waitFor(() => expect(follower.remark()).toBeNull());
    expect(shelf.events).toEqual(["serves r1", "sees not: store_unreachable", "sees not: store_refused", "serves r2", "sees again"]);
    await follower.close();
  });

  it("takes a store that fails while a release loads for a fault of the store, not of the release", async () => {
    const shelf = new Shelf();
    shelf.name = "r1";
    const follower = await shelf.follow((release) => {
      if (release === "r2" && shelf.loads.length < 4) throw new ModisteError("unavailable", "store_unreachable", "the download broke off");
    });
    shelf.name = "r2";
    for (let tries = 0; tries < 2; tries++) await expect(follower.refresh()).rejects.toMatchObject({ reason: "store_unreachable" });
    await follower.refresh();
    expect(follower.current().release).toBe("r2");
    expect(shelf.events.filter((event) => event.startsWith("refused"))).toEqual([]);
    await follower.close();
  });

  it("that serves beside a refused release says which and why", async () => {
    const shelf = new Shelf();
    shelf.name = "r1";
    const follower = await shelf.follow();
    shelf.faulty.add("r2");
    shelf.name = "r2";
    await follower.refresh();
    expect(follower.notReady()).toBeNull();
    expect(follower.remark()).toBe("release r2 refused: release r2 is broken; r1 serves");
    shelf.name = "r1";
    await follower.refresh();
    expect(follower.remark()).toBeNull();
    await follower.close();
  });

  it("does not keep a start waiting for a long load, and drops one that ends after its close", async () => {
    const shelf = new Shelf();
    shelf.name = "r1";
    let open = (): void => undefined;
    shelf.gate = new Promise((resolve) => {
      open = resolve;
    });
    const follower = await shelf.follow(undefined, { firstMs: 5 });
    expect(follower.notReady()).toBe("release r1 is loading");
    const closing = follower.close();
    open();
    await closing;
    await vi.waitFor(() => expect(shelf.events).toEqual(["frees r1"]));
  });

  it("stops looking when it is closed", async () => {
    const shelf = new Shelf();
    const follower = await shelf.follow();
    await follower.close();
    expect(shelf.loads).toEqual([]);
  });
});
