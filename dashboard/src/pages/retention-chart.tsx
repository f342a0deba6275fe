import type { VolumeSnapshot } from '../../../src/wire/dashboard/object.ts'
import { formatRelative } from '../parts/durations.ts'
import { formatExact, now } from '../parts/time.tsx'
import { nameRule, rankOfRule } from './retention-rules.ts'
import { createTimeScale } from './time-scale.ts'

/** The part of the line that is the past. */
const pastPart = 0.72

/**
 * Snapshots on a line of time, a lane for each rule of retention. A dot is a snapshot that the rule keeps; at the right, a
 * ring is where it goes. The table beneath says the same in words.
 */
export function RetentionChart({ snapshots }: { readonly snapshots: readonly VolumeSnapshot[] }) {
  const nowMs = now.value
  const taken = snapshots.flatMap((snapshot) =>
    snapshot.time === undefined ? [] : [{ snapshot, atMs: Date.parse(snapshot.time) }],
  )
  if (taken.length === 0) return null
  const ends = taken.flatMap(({ snapshot }) =>
    snapshot.goesAt === undefined ? [] : [Date.parse(snapshot.goesAt)],
  )
  const past = createTimeScale(nowMs - Math.min(...taken.map(({ atMs }) => atMs)))
  const future = createTimeScale(Math.max(0, ...ends.map((ms) => ms - nowMs)))
  const placePast = (ms: number) => pastPart * (1 - past.place(nowMs - ms))
  const placeFuture = (ms: number) => pastPart + (1 - pastPart) * future.place(ms - nowMs)
  const percent = (part: number) => `${(part * 100).toFixed(2)}%`
  const lanes = [
    ...Map.groupBy(
      taken.flatMap((each) => rulesOf(each.snapshot).map((rule) => ({ ...each, rule }))),
      ({ rule }) => rule,
    ),
  ].sort(([one], [other]) => rankOfRule(one) - rankOfRule(other))
  const ticks = [
    ...past
      .marks(0.12, 0.45)
      .map((mark) => ({ ...mark, at: pastPart * (1 - mark.at), label: `${mark.label} ago` })),
    ...(ends.length === 0 ? [] : future.marks(0.3, 2)).map((mark) => ({
      ...mark,
      at: pastPart + (1 - pastPart) * mark.at,
      label: `in ${mark.label}`,
    })),
  ]
  return (
    <figure
      class="retention"
      aria-label={`Time line of ${taken.length} snapshots. The table beneath has the same.`}
    >
      <div class="lanes" aria-hidden="true">
        {lanes.map(([rule, members]) => (
          <div class="lane" key={rule}>
            <span class="lane-name">{nameRule(rule)}</span>
            <span class="lane-line">
              {members.map(({ snapshot, atMs }) => (
                <i
                  key={snapshot.object.key}
                  class={`snapshot-dot${snapshot.state === 'Ready' ? '' : ' not-ready'}${rule === 'goes next' ? ' going' : ''}`}
                  style={{ left: percent(placePast(atMs)) }}
                  title={`${snapshot.object.name}\ntaken ${formatRelative(atMs, nowMs)}\n${formatExact(atMs)}\n${snapshot.fate}`}
                />
              ))}
              {members.map(({ snapshot }) =>
                snapshot.goesAt === undefined || !isLastLane(rule, snapshot) ? null : (
                  <i
                    key={`end of ${snapshot.object.key}`}
                    class="snapshot-ring"
                    style={{ left: percent(placeFuture(Date.parse(snapshot.goesAt))) }}
                    title={`${snapshot.object.name}\ngoes ${formatRelative(Date.parse(snapshot.goesAt), nowMs)}\n${formatExact(Date.parse(snapshot.goesAt))}`}
                  />
                ),
              )}
            </span>
          </div>
        ))}
        <div class="lane axis">
          <span class="lane-name" />
          <span class="lane-line">
            {ticks.map(({ at, label, isFine }) => (
              <i key={label} class={`tick${isFine ? ' fine' : ''}`} style={{ left: percent(at) }}>
                {label}
              </i>
            ))}
            <i class="tick now" style={{ left: percent(pastPart) }}>
              now
            </i>
          </span>
        </div>
        <div class="now-line-frame">
          <i class="now-line" style={{ left: percent(pastPart) }} />
        </div>
      </div>
      <figcaption class="quiet small">
        <span>
          <i class="snapshot-dot" /> taken, in the lane of the rule that keeps it
        </span>
        {ends.length > 0 && (
          <span>
            <i class="snapshot-ring" /> goes, if all runs succeed
          </span>
        )}
      </figcaption>
    </figure>
  )
}

/** The rules that keep it, or what is said where none does. */
function rulesOf({ keptBy, schedule, state }: VolumeSnapshot): readonly string[] {
  if (keptBy.length > 0) return keptBy
  return [schedule === undefined ? 'declared' : state === 'Ready' ? 'goes next' : 'not ready']
}

/** The ring of a snapshot stands in the lane that reaches furthest back. */
function isLastLane(rule: string, snapshot: VolumeSnapshot): boolean {
  return Math.max(...rulesOf(snapshot).map(rankOfRule)) === rankOfRule(rule)
}
