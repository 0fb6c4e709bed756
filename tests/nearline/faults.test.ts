/**
 * Real profile services over a real Kafka and a real Redis, which break in every way that we know: in the end profiles and counters equal a recount
 * of the log, record for record. Nothing is lost, nothing is double, nothing waits.
 */

import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readPublished, topics } from "#libs/bus/bus.ts";
import { createRandom } from "#libs/core/random.ts";
import { type Event, eventCode } from "#libs/events/event.ts";
import { eventRecord, mergeRecord } from "#libs/events/log-entry.ts";
import { daySeconds } from "#libs/store/counter-store.ts";
import type { Profile } from "#libs/store/profile.ts";
import { decodeProfile } from "#libs/store/profile-codec.ts";
import { withOwnRedis } from "#libs/testing/redis-servers.ts";
import { kafkaServer } from "./kafka-server.ts";
import { plainRecount } from "./plain-recount.ts";
import { type Contents, type Member, openProfileFleet, type ProfileFleet } from "./profile-fleet.ts";

const seed = 7;
const minutes = 60_000;
const event: Event = {
  eventId: "before the login",
  subject: "",
  itemId: "item-1",
  type: "view",
  timeSeconds: 1_600_000_000,
  value: 0,
  quantity: 1,
  surface: "",
  recommendationId: "",
  position: 0,
};
// The broker is ours; the variable says that Kafka's jars are here.
const isThere = kafkaServer("MODISTE_TEST_KAFKA") !== null;

(isThere ? withOwnRedis : (name: string) => it.skip(name, () => undefined))("in the end the stores equal a recount of the log", () => {
  let fleet: ProfileFleet;
  const random = createRandom(seed);

  beforeEach(async () => {
    fleet = await openProfileFleet(seed);
  }, 3 * minutes);
  afterEach(() => fleet?.remove(), minutes);

  async function expectRecount(): Promise<Contents> {
    await fleet.untilCaughtUp();
    const [held, recounted] = [await fleet.held(), await fleet.recount()];
    expect(held.profiles.size).toBeGreaterThan(100);
    expect([...held.profiles.keys()]).toEqual([...recounted.profiles.keys()]);
    expect(held.profiles).toEqual(recounted.profiles);
    expect(held.counts).toEqual(recounted.counts);
    return held;
  }

  async function expectPlainRecount({ profiles, counts }: Contents): Promise<void> {
    const plain = await plainRecount(fleet.bus);
    const events = new Map(
      [...profiles.values()].map((bytes) => {
        const profile = decodeProfile(Buffer.from(bytes, "base64"));
        return [profile.subject, profile.events] as const;
      }),
    );
    expect(plain.events.size).toBeGreaterThan(200);
    expect(Math.max(...[...plain.events.values()].map(({ length }) => length))).toBeGreaterThan(200);
    for (const [subject, expected] of plain.events) expect(events.get(subject), subject).toEqual(expected);
    const byType = new Map<string, number>();
    for (const { itemId, buckets } of counts) {
      for (const { type, count, spanSeconds } of buckets) {
        const key = `${itemId} ${eventCode[type]}`;
        if (spanSeconds === daySeconds) byType.set(key, (byType.get(key) ?? 0) + count);
      }
    }
    expect(new Map([...byType].sort())).toEqual(new Map([...plain.counts].sort()));
  }

  it(
    "when the profile service is killed twenty times under 1,000 events a second",
    async () => {
      let member: Member = await fleet.startMember();
      const flooding = fleet.flood(25, 1000);
      for (let kills = 0; kills < 20; kills++) {
        await delay(random.below(1500));
        await member.kill();
        member = await fleet.startMember();
      }
      expect(await flooding).toBe(25_000);
      await expectPlainRecount(await expectRecount());
      // What is no event stands on the dead-letter topic, each at least once.
      const letters = new Set<string>();
      await readPublished(fleet.bus, topics.dead, async ({ records }) => {
        for (const { value } of records) {
          const { partition, offset } = JSON.parse(Buffer.from(value).toString("utf8")) as { partition: string; offset: number };
          letters.add(`${partition}@${offset}`);
        }
      });
      expect(letters.size).toBeGreaterThan(25_000 / 400);
    },
    8 * minutes,
  );

  it(
    "when members join and leave, and partitions are added",
    async () => {
      const first = await fleet.startMember();
      const flooding = fleet.flood(12, 500);
      const second = await fleet.startMember();
      await fleet.addPartitions(6);
      await first.stop();
      await fleet.startMember();
      await second.stop();
      await flooding;
      // Behind the new partitions' discovery by the producer.
      await fleet.flood(4, 500);
      await expectRecount();
      expect((await fleet.bus.ends(topics.events)).size).toBe(6);
    },
    5 * minutes,
  );

  it(
    "when the broker halts for ten seconds, and when it is killed",
    async () => {
      await fleet.startMember();
      const flooding = fleet.flood(20, 300);
      await delay(2000);
      fleet.kafka.halt();
      await delay(10_000);
      fleet.kafka.goOn();
      await delay(3000);
      await fleet.kafka.kill();
      await fleet.kafka.start();
      await flooding;
      await expectRecount();
    },
    5 * minutes,
  );

  it(
    "when Redis halts for ten seconds, is killed, and has lost its last second",
    async () => {
      await fleet.startMember();
      const flooding = fleet.flood(25, 300);
      await delay(2000);
      fleet.redis.halt();
      await delay(10_000);
      fleet.redis.goOn();
      await delay(2000);
      await fleet.redis.kill();
      await fleet.redis.start();
      await delay(2000);
      const bytes = await fleet.redis.logBytes();
      await delay(1000);
      await fleet.redis.kill();
      await fleet.redis.cutLog(bytes);
      await fleet.redis.start();
      await flooding;
      await expectRecount();
    },
    5 * minutes,
  );

  it(
    "when Redis is emptied, and a user is erased while the log is applied again",
    async () => {
      await fleet.startMember();
      await fleet.flood(4, 500);
      await fleet.untilCaughtUp();
      await fleet.redis.kill();
      await fleet.redis.empty();
      await fleet.redis.start();
      const session = "session:of who is erased";
      const returning = { ...event, subject: session };
      await fleet.publish([eventRecord(returning), mergeRecord({ session, user: "user-250", timeSeconds: event.timeSeconds })]);
      const loggedIn = await fleet.erase("user-250");
      const erased = await fleet.erase("user-201");
      await fleet.flood(4, 500);
      const held = await expectRecount();
      const profileOf = (key: string): Profile => decodeProfile(Buffer.from(held.profiles.get(key)!, "base64"));
      expect(profileOf(erased.key).erased).toMatchObject({ id: erased.id, pending: [] });
      // What came after it counts again; before it there was about as much.
      expect(profileOf(erased.key).events.length).toBeLessThan(8);
      expect(profileOf(loggedIn.key).events.map(({ eventId }) => eventId)).not.toContain(event.eventId);
    },
    5 * minutes,
  );
});
