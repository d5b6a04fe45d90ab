// The two races of the page. Without it the page works just as well, and has no races.

/**
 * @typedef {{ state: string, data: Record<string, unknown> }} SessionView
 * @typedef {{ status: number, outcome: string, view: SessionView }} Answer
 * @typedef {(text: string, mood?: 'good' | 'bad' | '') => void} Say
 */

const crowdSize = 20
const slowWrite = 1500
const storeIsAway = 'The session store is away'

let running = false

/**
 * Sends a request and writes it into the log.
 *
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<Answer>}
 */
async function send(method, path, body) {
  const finish = startRow(`${method} ${path}`)
  const started = performance.now()
  try {
    const response = await fetch(path, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    })
    const view = /** @type {SessionView} */ (await response.json())
    const outcome = outcomeOf(response.headers)
    finish(String(response.status), outcome, performance.now() - started)
    return { status: response.status, outcome, view }
  } catch (error) {
    finish('failed', '', performance.now() - started)
    throw error
  }
}

/** @param {Headers} headers */
function outcomeOf(headers) {
  return /(?:^|,\s*)session;desc="([^"]*)"/.exec(headers.get('Server-Timing') ?? '')?.[1] ?? ''
}

/**
 * Each hangs a coat of its own: twenty keys, one request each.
 *
 * @param {Say} say
 */
async function hangCoats(say) {
  const run = Date.now()
  await begin({ pegs: run })
  const answers = await atOnce(say, (peg) =>
    send('PATCH', '/api/session?delay=300', { set: { [`peg${peg}`]: run } }),
  )
  const { data } = await look()
  const kept = answers.map((_, index) => data[`peg${index + 1}`] === run)
  kept.forEach((isKept, index) => markPeg(index, isKept ? 'kept' : 'lost'))
  report(say, kept.filter(Boolean).length, answers, 'coats are on their pegs')
}

/**
 * All count on one counter.
 *
 * @param {Say} say
 */
async function countVisits(say) {
  const before = await begin({ pegs: Date.now() })
  const answers = await atOnce(say, () => send('POST', '/api/increment?key=visits&delay=300'))
  const after = await look()
  const count = Number(after.data['visits'] ?? 0) - Number(before.data['visits'] ?? 0)
  pegs().forEach((_, index) => markPeg(index, index < count ? 'kept' : 'lost'))
  report(say, count, answers, 'visits were counted')
}

/**
 * @param {Say} say
 * @param {number} count
 * @param {Answer[]} answers
 * @param {string} what
 */
function report(say, count, answers, what) {
  const refused = answers.filter(({ status }) => status !== 200).length
  if (refused > 0) {
    say(
      `${count} of ${crowdSize} ${what}. ${refused} were refused, and told so, as the log shows.`,
      'bad',
    )
  } else {
    say(`${count} of ${crowdSize} ${what}.`, count === crowdSize ? 'good' : 'bad')
  }
}

/**
 * @param {Say} say
 * @param {(peg: number) => Promise<Answer>} sendOne
 * @returns {Promise<Answer[]>}
 */
function atOnce(say, sendOne) {
  let answered = 0
  return Promise.all(
    Array.from({ length: crowdSize }, async (_, index) => {
      markPeg(index, 'sent')
      const answer = await sendOne(index + 1)
      markPeg(index, 'answered')
      answered += 1
      say(`${answered} answered …`)
      return answer
    }),
  )
}

/**
 * A session, two slow writes, and a logout in between. The browser has no cookie afterwards, so that it
 * cannot ask any more; the second write, sent with the old one, tells whether the first brought it back.
 *
 * @param {Say} say
 */
async function signOutMeanwhile(say) {
  for (const step of ['start', 'logout', 'end', 'check']) markStep(step, '')
  await begin({ note: 'before' })
  const writing = send('PATCH', `/api/session?delay=${slowWrite}`, { set: { note: 'too late' } })
  const asking = send('PATCH', `/api/session?delay=${slowWrite * 2}`, {
    set: { note: 'later still' },
  })
  markStep('start', 'running')
  await new Promise((resolve) => setTimeout(resolve, slowWrite / 3))
  const logout = await send('POST', '/api/logout')
  markStep('logout', said(logout))
  const late = await writing
  markStep('start', 'ended')
  markStep('end', said(late))
  const last = await asking
  markStep('check', said(last))
  const { state } = await look()
  if ([logout, late, last].some(({ status }) => status !== 200)) throw new Error(storeIsAway)
  if (late.outcome === '')
    return say('Signed out. Start with EXPLAIN=1 to see what became of the writes.')
  const dead = state === 'new' && late.outcome === 'gone' && last.outcome === 'gone'
  if (!dead) return say('The session came back.', 'bad')
  say('The session stayed dead. Both writes were answered as usual, and saved nothing.', 'good')
}

/**
 * Makes sure that there is a session.
 *
 * @param {Record<string, unknown>} set
 */
async function begin(set) {
  const { view } = await send('PATCH', '/api/session', { set })
  if (view.state === 'unavailable') throw new Error(storeIsAway)
  return view
}

/** The session as it is now. */
async function look() {
  const { view } = await send('GET', '/api/session')
  if (view.state === 'unavailable') throw new Error(storeIsAway)
  return view
}

/** @param {Answer} answer */
function said({ status, outcome }) {
  return outcome === '' ? String(status) : `${status}, ${outcome}`
}

/**
 * Runs a race when its button is pressed, one at a time, and shows how it ended.
 *
 * @param {string} button
 * @param {string} result
 * @param {(say: Say) => Promise<void>} race
 */
function offer(button, result, race) {
  const output = element(result)
  /** @type {Say} */
  function say(text, mood = '') {
    output.textContent = text
    output.dataset['mood'] = mood
  }
  async function run() {
    running = true
    updateButtons()
    pegs().forEach((_, index) => markPeg(index, ''))
    say('Running …')
    try {
      await race(say)
    } catch (error) {
      const isAway = /** @type {Error} */ (error).message === storeIsAway
      say(
        isAway ? `${storeIsAway}: the race cannot be judged.` : 'A request failed: see the log.',
        'bad',
      )
    }
    running = false
    await refresh().catch(() => {})
    updateButtons()
  }
  element(button).addEventListener('click', () => void run())
}

/** A race cannot begin while one is running, or while there is no store to run against. */
function updateButtons() {
  const disabled = running || document.getElementById('unavailable') !== null
  for (const button of document.querySelectorAll('.races button')) {
    button.toggleAttribute('disabled', disabled)
  }
}

/** Shows the session as it is now: the server renders it, as ever. */
async function refresh() {
  const response = await fetch('/')
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html')
  const desk = fresh.getElementById('desk')
  if (desk === null || desk.innerHTML === element('desk').innerHTML) return
  const focused = document.activeElement?.id
  element('desk').replaceWith(desk)
  document.title = fresh.title
  history.replaceState(null, '', '/') // a form that was refused has left its own address
  updateButtons()
  if (focused) document.getElementById(focused)?.focus()
}

function pegs() {
  return document.querySelectorAll('.pegs li')
}

/**
 * @param {number} index
 * @param {string} state
 */
function markPeg(index, state) {
  pegs()[index]?.setAttribute('data-state', state)
}

/**
 * @param {string} step
 * @param {string} text
 */
function markStep(step, text) {
  const item = element(`late-${step}`)
  item.toggleAttribute('data-done', text !== '')
  const output = item.querySelector('output')
  if (output) output.textContent = text
}

/**
 * A row of the log, and the way to fill it in when the answer is there.
 *
 * @param {string} request
 */
function startRow(request) {
  element('log').hidden = false
  const row = document.createElement('tr')
  const cells = [request, '…', '', ''].map((text) => {
    const cell = document.createElement('td')
    cell.textContent = text
    return cell
  })
  row.append(...cells)
  element('log-rows').prepend(row)
  return (
    /** @type {string} */ status,
    /** @type {string} */ outcome,
    /** @type {number} */ milliseconds,
  ) => {
    const texts = [request, status, outcome, `${Math.round(milliseconds)} ms`]
    texts.forEach((text, index) => cells[index]?.replaceChildren(text))
    row.dataset['outcome'] = outcome
  }
}

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`The page has no #${id}`)
  return found
}

if (document.getElementById('desk') !== null) {
  offer('crowd-keys', 'crowd-result', hangCoats)
  offer('crowd-counter', 'crowd-result', countVisits)
  offer('late-go', 'late-result', signOutMeanwhile)
  updateButtons()
  // Another tab or window may have changed the session meanwhile, or ended it.
  const lookAgain = () => {
    if (!running && !document.hidden) refresh().catch(() => {})
  }
  addEventListener('visibilitychange', lookAgain)
  addEventListener('focus', lookAgain)
  // The store was away: look whether it is there again.
  setInterval(() => {
    if (document.getElementById('unavailable') !== null) lookAgain()
  }, 2000)
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) location.reload()
  })
}
