import { useLocation } from 'preact-iso/router'
import type { FilterValues, ObjectPage, ObjectRow } from '../../../src/wire/dashboard/objects.ts'
import { addressOf, formatSize, kindInWords, queryOf } from '../data/format.ts'
import { useData } from '../data/use-data.ts'
import { Icon } from '../parts/icon.tsx'
import { Await, useTitle } from '../parts/page-state.tsx'
import { Pager } from '../parts/pager.tsx'
import { Prose } from '../parts/prose.tsx'
import { State } from '../parts/state.tsx'
import { Ago } from '../parts/time.tsx'

type Query = Readonly<Record<string, string>>

const filters = [
  ['state', 'State'],
  ['kind', 'Kind'],
  ['plugin', 'Plugin'],
  ['namespace', 'Namespace'],
  ['cluster', 'Cluster'],
  ['source', 'Source'],
] as const

/** All declarations: the address has the filter, the order and the page, so that it can be sent to a colleague. */
export function DeclarationsPage() {
  useTitle('Declarations')
  const { query, route } = useLocation()
  const shown = useData<ObjectPage>(`/api/objects${queryOf(query)}`, ['objects'])
  const { text, state, kind, plugin, namespace, cluster, source } = query
  const isFiltered = [text, state, kind, plugin, namespace, cluster, source].some(
    (each) => each !== undefined,
  )
  const addressWith = (changes: Readonly<Record<string, string | undefined>>) =>
    `/declarations${queryOf({ ...query, page: undefined, ...changes })}`
  return (
    <Await shown={shown}>
      {(data) => (
        <>
          <div class="head">
            <div>
              <h1>Declarations</h1>
              <p class="lead" role="status">
                {isFiltered
                  ? `${data.total.toLocaleString('en')} of ${data.all.toLocaleString('en')} match.`
                  : `${data.all.toLocaleString('en')} in all.`}
              </p>
            </div>
          </div>
          <section class="card" aria-label="Table of declarations">
            <div class="filters">
              {filters.map(([name, label]) => (
                <Filter
                  key={name}
                  label={label}
                  values={data.filters[name]}
                  chosen={query[name]}
                  onChoose={(value) => route(addressWith({ [name]: value }))}
                />
              ))}
              {isFiltered && (
                <a class="button bare small" href="/declarations">
                  <Icon name="close" />
                  Clear{text === undefined ? '' : ` “${text}”`}
                </a>
              )}
              <Pager
                page={data.page}
                size={data.size}
                total={data.total}
                addressOfPage={(page) => addressWith({ page: page === 1 ? undefined : String(page) })}
              />
            </div>
            {data.rows.length === 0 ? (
              <Nothing all={data.all} />
            ) : (
              <Table rows={data.rows} query={query} addressWith={addressWith} isOld={!shown.isCurrent} />
            )}
          </section>
        </>
      )}
    </Await>
  )
}

function Nothing({ all }: { readonly all: number }) {
  return (
    <p class="none">
      {all > 0 ? (
        'No declaration matches.'
      ) : (
        <>
          Nothing is declared yet. Put a YAML document into one of the <a href="/sources">sources</a>, or try
          it on the page <a href="/plan">Plan</a> first.
        </>
      )}
    </p>
  )
}

function Filter(props: {
  readonly label: string
  readonly values: FilterValues
  readonly chosen: string | undefined
  readonly onChoose: (value: string | undefined) => void
}) {
  const { label, values, chosen, onChoose } = props
  if (values.length < 2 && chosen === undefined) return null
  // An address may ask for several values, or for one that is no more.
  const isListed = chosen === undefined || values.some(({ value }) => value === chosen)
  return (
    <label class={`filter${chosen === undefined ? '' : ' on'}`}>
      <span>{label}</span>
      <select
        value={chosen ?? '\n'}
        onChange={(event) => {
          const { value } = event.currentTarget
          onChoose(value === '\n' ? undefined : value)
        }}
      >
        <option value={'\n'}>any</option>
        {!isListed && <option value={chosen}>{chosen}</option>}
        {values.map(({ value, count }) => (
          <option key={value} value={value}>
            {value === '' ? (label === 'Cluster' ? 'own' : 'none') : value} ({count.toLocaleString('en')})
          </option>
        ))}
      </select>
    </label>
  )
}

function Table(props: {
  readonly rows: readonly ObjectRow[]
  readonly query: Query
  readonly addressWith: (changes: Readonly<Record<string, string | undefined>>) => string
  readonly isOld: boolean
}) {
  const { rows, query, addressWith, isOld } = props
  const column = { query, addressWith }
  return (
    <div class={`table-frame${isOld ? ' old' : ''}`} aria-busy={isOld}>
      <table class="declarations">
        <thead>
          <tr>
            <Column {...column} name="Name" field="name" />
            <Column {...column} name="State" field="state" />
            <th scope="col" class="wide">
              Condition
            </th>
            <Column {...column} name="Since" field="since" class="middle" />
            <Column {...column} name="Plugin" field="plugin" class="middle" />
            <Column {...column} name="Size" field="size" class="number middle" />
            <th scope="col" class="widest">
              External ID
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={`${row.object.key}@${row.object.cluster}`} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Column(props: {
  readonly name: string
  readonly field: string
  readonly query: Query
  readonly addressWith: (changes: Readonly<Record<string, string | undefined>>) => string
  readonly class?: string
}) {
  const { name, field, query, addressWith } = props
  const { route } = useLocation()
  const isSorted = query.sort === field
  const isDescending = isSorted && query.descending === 'true'
  return (
    <th
      scope="col"
      class={props.class}
      aria-sort={isSorted ? (isDescending ? 'descending' : 'ascending') : undefined}
    >
      <button
        type="button"
        onClick={() =>
          route(
            addressWith({ sort: field, descending: isSorted && !isDescending ? 'true' : undefined }),
            true,
          )
        }
      >
        {name}
        {isSorted && <Icon name={isDescending ? 'down' : 'up'} />}
      </button>
    </th>
  )
}

function Row({ row }: { readonly row: ObjectRow }) {
  const { object, state, reason, message, since, pluginID, sizeBytes, externalID, labels = {} } = row
  return (
    <tr>
      <th scope="row">
        <a class="name" href={addressOf(object)}>
          {object.name}
        </a>
        <span class="under">
          {kindInWords(object.kind)}
          {object.namespace !== 'default' && ` in ${object.namespace}`}
          {object.cluster !== undefined && ` · ${object.cluster}`}
          {Object.entries(labels).map(([name, value]) => (
            <span key={name} class="label">
              {name}={value}
            </span>
          ))}
        </span>
        <span class="under narrow-only">{message || reason}</span>
      </th>
      <td>
        <State state={state} />
      </td>
      <td class="wide">
        <span class="reason">{reason}</span>
        {state !== 'Ready' && (
          <span class="second clip">
            <Prose text={message} />
          </span>
        )}
        {row.isSuspended && reason !== 'Suspended' && <span class="second">suspended</span>}
      </td>
      <td class="middle second">{since !== undefined && <Ago at={since} />}</td>
      <td class="middle second">{pluginID}</td>
      <td class="number middle second">{formatSize(sizeBytes)}</td>
      <td class="widest">
        <code class="second">{externalID}</code>
      </td>
    </tr>
  )
}
