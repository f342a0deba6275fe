import { useState } from 'preact/hooks'
import type { VolumeSnapshot } from '../../../src/wire/dashboard/object.ts'
import { count, formatSize } from '../data/format.ts'
import { ActionBar } from '../parts/action.tsx'
import { Card } from '../parts/card.tsx'
import { ObjectLink } from '../parts/object-link.tsx'
import { Prose } from '../parts/prose.tsx'
import { State } from '../parts/state.tsx'
import { Ago } from '../parts/time.tsx'
import { RetentionChart } from './retention-chart.tsx'
import { nameRule } from './retention-rules.ts'

const mostRows = 8

/** The snapshots of a volume: when each was taken, which rule keeps it, and when it goes. */
export function SnapshotsCard({ snapshots }: { readonly snapshots: readonly VolumeSnapshot[] }) {
  const [isAll, setAll] = useState(false)
  if (snapshots.length === 0) {
    return (
      <Card title="Snapshots">
        <p class="none">
          There is none. If this volume is lost, its data are lost. A <code>SnapshotSchedule</code> takes them
          by the clock.
        </p>
      </Card>
    )
  }
  return (
    <Card title="Snapshots" note={count(snapshots.length, 'snapshot')} id="snapshots">
      <RetentionChart snapshots={snapshots} />
      <div class="table-frame stacked">
        <table class="snapshots">
          <thead>
            <tr>
              <th scope="col">Snapshot</th>
              <th scope="col">Taken</th>
              <th scope="col">State</th>
              <th scope="col">Kept by</th>
              <th scope="col">Goes</th>
              <th scope="col" class="number middle">
                Size
              </th>
              <th scope="col">
                <span class="for-readers">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {(isAll ? snapshots : snapshots.slice(0, mostRows)).map((snapshot) => (
              <tr key={snapshot.object.key}>
                <th scope="row">
                  <ObjectLink object={snapshot.object} />
                </th>
                <td data-label="Taken">
                  {snapshot.time === undefined ? (
                    <span class="quiet">not yet</span>
                  ) : (
                    <Ago at={snapshot.time} />
                  )}
                </td>
                <td data-label="State">
                  <State state={snapshot.state} />
                  {snapshot.state !== 'Ready' && <span class="second small clip">{snapshot.message}</span>}
                </td>
                <td data-label="Kept by">
                  <span>
                    {snapshot.keptBy.map((rule) => (
                      <span key={rule} class="rule">
                        {nameRule(rule)}
                      </span>
                    ))}
                    {snapshot.keptBy.length === 0 && <span class="quiet">–</span>}
                  </span>
                </td>
                <td class="fate" data-label="Goes">
                  {snapshot.goesAt === undefined ? (
                    <span class="quiet small">
                      <Prose text={snapshot.fate} />
                    </span>
                  ) : (
                    <details>
                      <summary>
                        <Ago at={snapshot.goesAt} />
                      </summary>
                      <span class="quiet small">
                        <Prose text={snapshot.fate} />
                      </span>
                    </details>
                  )}
                </td>
                <td class="number middle second" data-label="Size">
                  {formatSize(snapshot.sizeBytes)}
                </td>
                <td data-label="">
                  <ActionBar actions={snapshot.actions} object={snapshot.object} isSmall />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {!isAll && snapshots.length > mostRows && (
        <p class="more">
          <button type="button" class="button bare small" onClick={() => setAll(true)}>
            Show all {snapshots.length} snapshots
          </button>
        </p>
      )}
    </Card>
  )
}
