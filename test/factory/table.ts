// What each row of the decision table is tried with. One line per case: rule | story | state | step | what it waits for. Words of a story: story.ts.
const TABLE = `
removed              | delegated; removed                                     | failed   | stop_run closed     | the agent to stop
removed              | {open}; removed                                        | failed   | finish              | -
merged               | {open}; pull h1 merged                                 | done     | finish              | -
merged               | {open}; pull h1 test=failure; run starts; pull h1 merged | done   | stop_run merged     | the agent to stop
closed_by_operator   | {open}; operator close                                 | done     | finish              | -
closed_by_operator   | {open}; operator cancel                                | failed   | finish              | -
ticket_ended         | {open}; ticket status=completed                        | done     | finish              | -
ticket_ended         | {open}; ticket status=canceled                         | failed   | finish              | -
closed_unmerged      | {open}; pull h1 closed                                 | failed   | finish              | -
no_authority         | ticket                                                 | paused   | wait                | a delegation or a message from an authorised person
no_authority         | delegated by outsider                                  | paused   | wait                | a delegation or a message from an authorised person
taken_away           | {open}; undelegated                                    | paused   | wait                | a new delegation, a message, or {resume}
taken_away           | {working}; stopped                                     | paused   | stop_run stopped    | the agent to stop
taken_away           | {working}; undelegated                                 | paused   | stop_run undelegated | the agent to stop
taken_away           | {working}; operator stop                               | paused   | stop_run stopped    | the agent to stop
taken_away           | {queued}; undelegated                                  | paused   | cancel_merge        | a new delegation, a message, or {resume}
paused               | {green}; operator pause                                | paused   | wait                | {resume}
paused               | {auto}; operator pause; pull p1 test=running           | paused   | cancel_merge        | {resume}
unread               | says hello                                             | delegated | wait               | the issue to be read
route_unclear        | projects twins; delegated                              | awaiting_input | ask           | a choice of the repository
unrouted             | delegated team=OPS                                     | awaiting_input | wait          | a project that accepts this team, or a different team
project_gone         | {open}; projects none                                  | awaiting_input | wait          | the project to be configured again
repository_problem   | {working}; repository acme/app has no branch main; run failed infrastructure | awaiting_input | wait | the repository or the configuration to be fixed
question_overdue     | timeout 1; {working}; run asked asks Which one?; wait 3600 | awaiting_input | call_in     | a late answer, on the issue or with \`patchrelay issue answer APP-1\`
question_overdue     | timeout 1; {working}; run asked asks Which one?; wait 3600; wait 60 | escalated | escalate | a late answer, on the issue or with \`patchrelay issue answer APP-1\`
question_open        | timeout 1; {working}; run asked asks Which one?; wait 3000 | awaiting_input | wait       | an answer, on the issue or with \`patchrelay issue answer APP-1\`
question_open        | {working}; run asked asks Which one?                   | awaiting_input | wait          | an answer, on the issue or with \`patchrelay issue answer APP-1\`
run_stopping         | {working}; stopped; says go on after all               | preparing | wait               | the agent to stop
run_overtaken        | {red}; run starts; pull p1 test=running                | repairing_ci | stop_run superseded | the agent to stop
run_overtaken        | {red}; run starts; pull h1 test=success#2              | repairing_ci | stop_run superseded | the agent to stop
run_overtaken        | {asked}; run starts; review r2 approved                | changes_requested | stop_run superseded | the agent to stop
run_overtaken        | {red}; run starts; pull h1 queued                      | repairing_ci | stop_run superseded | the agent to stop
auto_merge_stale     | {auto}; pull p1 test=running                           | awaiting_review | cancel_merge | auto-merge to be turned off
auto_merge_stale     | {auto}; pull p1 test=running; cancel refused            | awaiting_input | wait          | a person to turn auto-merge off, or {retry}
auto_merge_stale     | {approved}; says also the docs; merge ok               | implementing | cancel_merge    | auto-merge to be turned off
run_queued           | {red}; wait 1                                          | repairing_ci | wait            | a free slot
run_queued           | delegated; wait 1                                      | delegated | wait               | a free slot
run_active           | {working}; wait 1                                      | preparing | wait               | the run to end
run_active           | {working}; run at work                                 | implementing | wait            | the run to end
prompt_pending       | {green}; says also the docs                            | implementing | run implementation | -
pull_request_unseen  | {working}; run intends h1; run published               | pr_open  | wait                | the pull request to be read
said_all             | {working}; run answered                                | awaiting_input | wait          | a message that says what to do next
said_all             | {working}; run no_change                               | awaiting_input | wait          | a message that says what to do next
offer                | mentions offer; session s1; says what is it in s1; run starts; run answered | awaiting_input | ask | your go-ahead
mention_unread       | session s1                                             | delegated | wait                | the message to be read
unasked              | session s1; wait 120                                   | awaiting_input | wait          | a message that says what to do, or a delegation
implement            | delegated                                              | implementing | run implementation | -
draft                | {green}; pull h1 draft                                 | awaiting_review | wait         | a person to mark it ready for review
push_unseen          | {red}; run starts; run intends h2; run published       | pr_open  | wait                | the pull request to show it
unread_pull_request  | {working}; run intends h1; run published; news head h1 | pr_open  | wait                | the pull request to be read
merge_vetoed         | {queued}; review r2 changes_requested                  | awaiting_review | cancel_merge | the merge to be cancelled
merge_vetoed         | {queued}; review r1 dismissed                          | awaiting_review | cancel_merge | the merge to be cancelled
merge_vetoed         | {queued}; pull h1 queued draft                         | awaiting_review | cancel_merge | the merge to be cancelled
merge_vetoed         | {queued}; review r2 changes_requested; cancel refused  | awaiting_input | wait          | a person to stop the merge, or {retry}
vetoed               | steers delegator; {green}; review r1 changes_requested | awaiting_review | wait         | rev to approve or to dismiss the review, or a message that says what to change
in_queue             | {queued}; wait 1                                       | awaiting_queue | wait          | the merge queue
in_queue             | {queued}; pull h1 test=failure#2                       | awaiting_queue | wait          | the merge queue
queue_left_unread    | {queued}; news queue out                               | awaiting_queue | wait          | the reason to be read
queue_rejected       | {queued}; pull h1 unqueued; ejected checks_failed      | repairing_queue | run queue_repair | -
queue_rejected       | {queued}; pull h1 unqueued; ejected conflict           | repairing_queue | run queue_repair | -
dequeued_by_person   | {queued}; pull h1 unqueued; ejected manual             | awaiting_input | wait          | a person to queue it again, a message, or {retry}
queue_timed_out      | {queued}; pull h1 unqueued; ejected timeout            | awaiting_input | wait          | a person to see to it that the checks run in the queue, then a message, or {retry}
merge                | {queued}; pull h1 unqueued; ejected timeout; operator retry | awaiting_queue | merge    | the merge
base_conflict        | {green}; pull h1 conflict                              | repairing_queue | run queue_repair | -
checks_unread        | {green}; news head p1                                  | pr_open  | wait                | the checks to be read
checks_unread        | {green}; news check test=failure#2                     | pr_open  | wait                | the checks to be read
checks_cut           | {open}; pull h1 cut test=success; review r1 approved   | awaiting_input | wait          | a person to merge it, or a commit with fewer checks
red_on_base          | {open}; pull h1 test=failure base=test                 | pr_open  | wait                | the checks to pass on main
red_on_base          | {open}; pull h1 test=failure base=test; wait 3600      | awaiting_input | wait          | a person to repair main
rerun_failed         | reruns 1; {open}; pull h1 test=failure@55              | pr_open  | rerun               | the rerun
rerun_failed         | reruns 1; {open}; pull h1 test=cancelled@55            | pr_open  | rerun               | the rerun
rerun_pending        | reruns 1; {open}; pull h1 test=failure@55; rerun ok    | pr_open  | wait                | the rerun
ci_red               | {open}; pull h1 test=failure                           | repairing_ci | run ci_repair   | -
ci_red               | {open}; pull h1 required= lint=timed_out; wait 30      | repairing_ci | run ci_repair   | -
ci_red               | reruns 1; {open}; pull h1 test=failure@55; rerun refused | repairing_ci | run ci_repair | -
ci_red               | reruns 1; {open}; pull h1 test=failure@55; rerun ok; pull h1 test=failure#2@55 | repairing_ci | run ci_repair | -
changes_requested    | {green}; review r1 changes_requested                   | changes_requested | run review_fix | -
ci_blocked           | {open}; pull h1 test=cancelled                         | awaiting_input | wait          | a person to rerun or approve it
ci_blocked           | {open}; pull h1 test=action_required                   | awaiting_input | wait          | a person to rerun or approve it
ci_blocked           | {open}; pull h1 test=stale                             | awaiting_input | wait          | a person to rerun or approve it
ci_pending           | {open}; pull h1 required= expected=test; wait 900      | pr_open  | wait                | the checks to finish
checks_missing       | {open}; pull h1 required= expected=test; wait 1800     | awaiting_input | wait          | a check to start, a new commit, or a person to merge it
checks_missing       | {open}; pull b1 required= expected=test; wait 1800     | awaiting_input | wait          | a check to start, a new commit, or a person to merge it
ci_pending           | {open}; pull h1 required= expected=?; wait 900         | pr_open  | wait                | the checks to finish
checks_missing       | {open}; pull h1 required= expected=?; wait 1800        | awaiting_input | wait          | a check to start, a new commit, or a person to merge it
checks_missing       | {open}; wait 900; pull h1 required= expected=e2e lint=success; wait 1800 | awaiting_input | wait | a check to start, a new commit, or a person to merge it
ci_pending           | {open}; pull h1 required= expected=e2e lint=success; wait 900 | pr_open | wait          | the checks to finish
ci_red               | {open}; pull h1 required= expected=e2e lint=failure; wait 900 | repairing_ci | run ci_repair | -
unapproved           | {open}; pull h1 expected=e2e test=success              | awaiting_review | wait         | an approving review
ci_pending           | {open}; pull h1 test=running                           | pr_open  | wait                | the checks to finish
ci_pending           | {open}; pull h1 lint=failure                           | pr_open  | wait                | the checks to finish
ci_pending           | {open}; pull h1 required= lint=success                 | pr_open  | wait                | the checks to finish
ci_pending           | {open}; pull h1 lint=success; wait 3600                | awaiting_input | wait          | a person to have it reported, or to take it out of the rules of the base branch
ci_pending           | {open}; pull h1 required=test,lint test=failure; wait 3600 | awaiting_input | wait      | a person to have it reported, or to take it out of the rules of the base branch
ci_pending           | {open}; pull h1 lint=running; wait 7200                | pr_open  | wait                | the checks to finish
review_answered      | {asked}; run starts; run intends h2; run published; pull h2 test=success | awaiting_review | wait | another review by rev
unapproved           | {open}; pull h1 test=success                           | awaiting_review | wait         | an approving review
unapproved           | {green}; review r1 approved by stranger                | awaiting_review | wait         | an approving review
unapproved           | {green}; review r1 approved on h0                      | awaiting_review | wait         | an approving review
person_merges        | policy person; {green}                                 | awaiting_queue | wait          | a person to merge it
merge_given_up       | {approved}; merge refused; wait 60; merge refused; wait 60; merge refused | escalated | escalate | a person to merge it, a new commit, or {retry}
auto_merge_off       | {auto}; wait 60; pull h1 manual                        | awaiting_input | wait          | a person to merge it or turn auto-merge on, a message, or {retry}
merge_held           | {approved}; merge held                                 | awaiting_review | wait         | what the rules of the base branch require, such as another approval
behind               | {approved}; pull h1 state=behind                       | awaiting_queue | update_branch | the branch to be brought up to date
behind               | {approved}; merge ok; pull h1 auto state=behind        | awaiting_queue | update_branch | the branch to be brought up to date
behind               | {updated}; {four more}; pull m9 test=success state=behind | awaiting_queue | update_branch | the branch to be brought up to date
base_too_fast        | {updated}; {four more}; {one more}; pull m9 test=success state=behind | awaiting_input | wait | a quiet hour on main, or a person to merge it; a merge queue would end this
updating             | {updated}; wait 60                                     | awaiting_queue | wait          | the new commit
update_refused       | {approved}; pull h1 state=behind; update refused       | awaiting_input | wait          | a person to update the branch
merge                | {updated}; pull m1 test=success state=open             | awaiting_queue | merge         | the merge
unapproved           | {updated}; pull b1 test=success state=behind           | awaiting_review | wait         | an approving review
unapproved           | {updated}; pull x1 test=success state=behind           | awaiting_review | wait         | an approving review
unapproved           | {updated}; pull m1; pull h2 test=success               | awaiting_review | wait         | an approving review
unapproved           | {updated}; pull p1 test=success state=behind           | awaiting_review | wait         | an approving review
merge_refused        | {approved}; merge refused                              | awaiting_queue | wait          | the next attempt
merge_asked          | {approved}; merge ok                                   | awaiting_queue | wait          | the merge
merge                | {green}; review r1 approved                            | awaiting_queue | merge         | the merge
merge                | policy when_rules_allow; {open}; pull h1 test=success  | awaiting_queue | merge         | the merge
implement/disk_low         | disk full; delegated                             | delegated | wait               | free disk space
implement/blockers_unread  | heard                                            | delegated | wait               | the issue to be read
implement/blocked          | delegated blocked=APP-2                          | delegated | wait               | APP-2 to be completed
implement/sub_issues_open  | delegated part=APP-3                             | delegated | wait               | APP-3 to be completed
implement/blocked          | delegated part=APP-3 blocked=APP-2               | delegated | wait               | APP-2 to be completed
implement/agent_not_ready  | agent missing; delegated                         | delegated | wait               | the agent scripted to be ready
implement/backing_off      | {working}; run failed capacity again 60          | delegated | wait               | the pause before the next attempt to end
ci_red/failing             | {red}; {cut off}; {cut off}; {cut off}; {cut off}; {cut off} | escalated | ask      | {push}
implement/budget_spent     | delegated; {wrong}; {wrong}; {wrong}             | escalated | ask                | {word}
ci_red/budget_spent        | {red}; {wrong}; {wrong}; {wrong}                 | escalated | ask                | {push}
ci_red/runs_spent          | budget runs 1; {open}; pull h1 test=failure      | escalated | escalate           | {more}, or a higher \`budgets.runs\`
implement/tokens_spent     | budget tokensPerIssue 100; {working}; run failed test spends 200 | escalated | escalate | {more}, or a higher \`budgets.tokensPerIssue\`
implement/money_spent      | budget usdPerIssue 1; {working}; run failed test spends 5 2.5 | escalated | escalate | {more}, or a higher \`budgets.usdPerIssue\`
implement/day_spent        | budget usdPerDay 5; spent 7 today; delegated     | delegated | wait               | midnight UTC
base_conflict/auto_merge_on | {auto}; pull h1 conflict                        | repairing_queue | cancel_merge | auto-merge to be turned off
implement/too_fast         | budget implementations 9; delegated; {wrong}; {wrong}; {wrong}; {wrong}; {wrong}; {wrong} | delegated | wait | the hour to pass, or {retry}
`;

const SHORT: Readonly<Record<string, string>> = {
  working: "delegated; run starts",
  open: "delegated; run starts; run intends h1; run published; pull h1",
  red: "{open}; pull h1 test=failure",
  green: "{open}; pull h1 test=success",
  asked: "{green}; review r1 changes_requested",
  approved: "{green}; review r1 approved",
  queued: "{open}; pull h1 queue test=success; review r1 approved; merge ok; pull h1 queued",
  auto: "{approved}; merge ok; pull h1 auto",
  updated: "{approved}; pull h1 state=behind; update ok",
  "four more": ["m1", "m2", "m3", "m4"]
    .map((head) => `pull ${head} test=success state=behind; update ok`)
    .join("; "),
  "one more": "pull m5 test=success state=behind; update ok",
  unlucky: "run starts; run failed infrastructure",
  "cut off": "run starts; run interrupted",
  wrong: "run starts; run failed test",
  retry: "an operator to run `patchrelay issue retry APP-1`",
  resume: "an operator to run `patchrelay issue resume APP-1`",
  word: "a message that says what to do, or {retry}",
  push: "a new commit, a message that says what to do, or {retry}",
  more: "{retry}",
};

function full(text: string): string {
  const next = text.replaceAll(
    /\{([a-z ]+)\}/g,
    (_, name: string) => SHORT[name] ?? `no such short word: ${name}`,
  );
  return next === text ? text : full(next);
}

export const CASES = TABLE.trim()
  .split("\n")
  .map((line) => line.split("|").map((cell) => full(cell.trim())))
  .map(([rule = "", told = "", state = "", step = "", waitsFor = ""]) => ({
    rule,
    told,
    state,
    step,
    waitsFor,
  }));
