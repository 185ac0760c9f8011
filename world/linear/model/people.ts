import { addComment, addPrompt, editComment, openSession, removeComment } from "./conversation.ts";
import type { IssueChange } from "./issue-change.ts";
import { changeIssue, createIssue, relate } from "./issues.ts";
import { required, type Model } from "./model.ts";
import type {
  ActivityRow,
  CommentRow,
  IssueRow,
  LabelRow,
  ProjectRow,
  SessionRow,
  StateType,
  TeamRow,
  UserRow,
} from "./records.ts";
import { STATE_TYPES } from "./records.ts";

/** An issue as people write it down. Names and keys may be given instead of ids. */
interface IssueWish {
  readonly team: string;
  readonly title: string;
  readonly description?: string;
  readonly labels?: readonly string[];
  readonly parent?: string;
  readonly project?: string;
  readonly assignee?: string;
  readonly state?: string;
  readonly priority?: number;
  /** Who writes it; the first person of the workspace unless given. */
  readonly by?: string;
}

/**
 * What people do in Linear's own clients. Issues are named by key or id, people by display name, name, email or id,
 * sessions by id. Each act changes the model at once and queues the webhooks Linear would send; an unknown name
 * throws, naming it.
 */
export interface People {
  addPerson(name: string): UserRow;
  addTeam(key: string, name: string): TeamRow;
  addLabel(name: string, team?: string): LabelRow;
  renameLabel(name: string, to: string): LabelRow;
  addProject(name: string, teams: readonly string[]): ProjectRow;
  createIssue(wish: IssueWish): IssueRow;
  /** Makes our app the delegate, which is a badge and no session where agent sessions are not enabled. */
  giveTo(issue: string, by: string): IssueRow;
  /** Makes our app the delegate: a new session, told three ways. */
  delegate(issue: string, by: string): SessionRow;
  /** As a triage rule would: nobody stands for it. */
  delegateByAutomation(issue: string): SessionRow;
  undelegate(issue: string, by: string): IssueRow;
  /** Mentions our app in a comment: goes to the newest session of the issue, else opens one. */
  mention(issue: string, text: string, by: string, replyTo?: string): SessionRow;
  /** Writes in a session's thread. */
  prompt(session: string, text: string, by: string): ActivityRow;
  /** Presses stop on a session. */
  stop(session: string, by: string): ActivityRow;
  /** Dismisses a session; the app stops being the issue's delegate. */
  dismiss(session: string, by: string): SessionRow;
  /** Moves an issue to the first state of a type, or to a state by name. */
  setState(issue: string, state: string, by: string): IssueRow;
  assign(issue: string, assignee: string | null, by: string): IssueRow;
  editIssue(
    issue: string,
    change: Pick<IssueChange, "title" | "description" | "priority"> & { readonly labels?: readonly string[] },
    by: string,
  ): IssueRow;
  /** A plain comment; as a reply in a session's thread it prompts the session. */
  comment(issue: string, text: string, by: string, replyTo?: string): CommentRow;
  /** What an integration passes on from somebody outside of the workspace. */
  commentFromOutside(issue: string, text: string, name: string, replyTo?: string): CommentRow;
  editComment(comment: string, text: string, by: string): CommentRow;
  removeComment(comment: string, by: string): CommentRow;
  removeIssue(issue: string, by: string): IssueRow;
  restoreIssue(issue: string, by: string): IssueRow;
  /** "blocker blocks issue". There is no webhook about it. */
  addBlocker(issue: string, blocker: string, by: string): void;
  /** Gives and takes the app's access to teams (PermissionChange). */
  changeAccess(added: readonly string[], removed: readonly string[]): void;
  /** Sets the organization's guidance for agents; null takes it away. */
  setGuidance(guidance: string | null): void;
}

/** People's acts on a model. */
export function people(model: Model): People {
  const named = <T>(rows: readonly T[], what: string, name: string, fits: (row: T) => boolean): T => {
    const row = rows.find(fits);
    if (row === undefined) throw new Error(`Linear's stand-in has no ${what} ${JSON.stringify(name)}`);
    return row;
  };
  const person = (name: string): UserRow =>
    named(model.users.all(), "person", name, (user) =>
      [user.id, user.name, user.displayName, user.email].includes(name),
    );
  const team = (name: string): TeamRow =>
    named(model.teams.all(), "team", name, (row) => [row.id, row.key, row.name].includes(name));
  const label = (name: string): LabelRow =>
    named(model.labels.all(), "label", name, (row) => [row.id, row.name].includes(name));
  const project = (name: string): ProjectRow =>
    named(model.projects.all(), "project", name, (row) => [row.id, row.name].includes(name));
  const theIssue = (key: string): IssueRow => required(model.issue(key), "issue", key);
  const theSession = (id: string): SessionRow => required(model.sessions.get(id), "session", id);
  const theComment = (id: string): CommentRow => required(model.comments.get(id), "comment", id);
  const state = (teamId: string, wanted: string): string => {
    const states = model.states.group(teamId);
    const ofType = (STATE_TYPES as readonly string[]).includes(wanted)
      ? model.stateOf(teamId, wanted as StateType)
      : undefined;
    return (ofType ?? named(states, "state", wanted, (row) => [row.id, row.name].includes(wanted))).id;
  };
  const change = (key: string, by: string, changes: IssueChange): IssueRow =>
    changeIssue(model, person(by).id, theIssue(key).id, changes);
  const newestSession = (issueId: string): SessionRow | undefined =>
    model.sessions.group(issueId).findLast((session) => session.dismissedAt === null);
  const write = (key: string, text: string, by: string, replyTo?: string): CommentRow =>
    addComment(model, {
      issueId: theIssue(key).id,
      body: text,
      userId: person(by).id,
      ...(replyTo === undefined ? {} : { parentId: replyTo }),
    });

  return {
    addPerson: (name) => model.addPerson(name),
    addTeam: (key, name) => model.addTeam(key, name),
    addLabel: (name, inTeam) => model.addLabel(name, inTeam === undefined ? null : team(inTeam).id),
    renameLabel: (name, to) => model.change(model.labels, label(name), { name: to }),
    addProject: (name, teams) =>
      model.addProject(
        name,
        teams.map((each) => team(each).id),
      ),
    createIssue(wish) {
      const inTeam = team(wish.team);
      const author = wish.by === undefined ? model.firstPerson() : person(wish.by);
      return createIssue(model, author.id, {
        teamId: inTeam.id,
        title: wish.title,
        description: wish.description ?? null,
        labelIds: (wish.labels ?? []).map((each) => label(each).id),
        parentId: wish.parent === undefined ? null : theIssue(wish.parent).id,
        projectId: wish.project === undefined ? null : project(wish.project).id,
        assigneeId: wish.assignee === undefined ? null : person(wish.assignee).id,
        priority: wish.priority ?? 0,
        ...(wish.state === undefined ? {} : { stateId: state(inTeam.id, wish.state) }),
      });
    },
    giveTo: (key, by) => change(key, by, { delegateId: model.installation.appUserId }),
    delegate(key, by) {
      const issue = change(key, by, { delegateId: model.installation.appUserId });
      return required(newestSession(issue.id), "session of issue", issue.identifier);
    },
    delegateByAutomation(key) {
      const issue = changeIssue(model, null, theIssue(key).id, { delegateId: model.installation.appUserId });
      return required(newestSession(issue.id), "session of issue", issue.identifier);
    },
    undelegate: (key, by) => change(key, by, { delegateId: null }),
    mention(key, text, by, replyTo) {
      if (model.grant?.scopes.has("app:mentionable") !== true || !model.sessionsOn()) {
        throw new Error(
          "Linear's stand-in has no agent to mention: not granted, or sessions are not enabled",
        );
      }
      const author = person(by);
      const comment = write(key, text, by, replyTo);
      const present = newestSession(comment.issueId);
      if (present !== undefined) {
        addPrompt(model, author.id, present, { body: text, signal: null, sourceCommentId: comment.id });
        model.notify("issueCommentMention", comment.issueId, author.id, comment.id);
        return theSession(present.id);
      }
      const session = openSession(model, {
        issueId: comment.issueId,
        creatorId: author.id,
        told: true,
        rootComment: comment.parentId === null ? comment : theComment(comment.parentId),
        sourceComment: comment,
      });
      model.notify("issueCommentMention", comment.issueId, author.id, comment.id);
      return session;
    },
    prompt(id, text, by) {
      const session = theSession(id);
      const author = person(by);
      const comment = addComment(model, {
        issueId: session.issueId,
        body: text,
        parentId: session.commentId,
        userId: author.id,
      });
      return addPrompt(model, author.id, session, { body: text, signal: null, sourceCommentId: comment.id });
    },
    stop: (id, by) =>
      addPrompt(model, person(by).id, theSession(id), {
        body: "Stop",
        signal: "stop",
        sourceCommentId: null,
      }),
    dismiss(id, by) {
      const session = theSession(id);
      const dismissed = model.change(model.sessions, session, {
        dismissedAt: model.clock.now(),
        dismissedById: person(by).id,
      });
      change(session.issueId, by, { delegateId: null });
      return dismissed;
    },
    setState: (key, wanted, by) => change(key, by, { stateId: state(theIssue(key).teamId, wanted) }),
    assign: (key, assignee, by) =>
      change(key, by, { assigneeId: assignee === null ? null : person(assignee).id }),
    editIssue(key, { labels, ...changes }, by) {
      const labelIds = labels?.map((each) => label(each).id);
      return change(key, by, { ...changes, ...(labelIds === undefined ? {} : { labelIds }) });
    },
    comment(key, text, by, replyTo) {
      const author = person(by);
      const comment = write(key, text, by, replyTo);
      const session = model.sessions
        .group(comment.issueId)
        .findLast((each) => each.commentId !== null && each.commentId === comment.parentId);
      if (session !== undefined) {
        addPrompt(model, author.id, session, { body: text, signal: null, sourceCommentId: comment.id });
      } else if (theIssue(comment.issueId).subscriberIds.includes(model.installation.appUserId)) {
        model.notify("issueNewComment", comment.issueId, author.id, comment.id);
      }
      return comment;
    },
    commentFromOutside(key, text, name, replyTo) {
      const known = model.externalUsers.all().find((user) => user.name === name);
      return addComment(model, {
        issueId: theIssue(key).id,
        body: text,
        userId: null,
        externalUserId: (known ?? model.addExternalUser(name)).id,
        ...(replyTo === undefined ? {} : { parentId: replyTo }),
      });
    },
    editComment: (id, text, by) => editComment(model, person(by).id, theComment(id), text),
    removeComment: (id, by) => removeComment(model, person(by).id, theComment(id)),
    removeIssue: (key, by) => change(key, by, { trashed: true }),
    restoreIssue: (key, by) => change(key, by, { trashed: false }),
    addBlocker(key, blocker, by) {
      person(by);
      relate(model, blocker, key, "blocks");
    },
    setGuidance(guidance) {
      model.guidance = guidance;
    },
    changeAccess(added, removed) {
      const ids = (names: readonly string[]): string[] => names.map((each) => team(each).id);
      model.tell({ kind: "teamAccess", added: ids(added), removed: ids(removed) });
    },
  };
}
