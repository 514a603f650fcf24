"""Addresses of the account pages."""

from django.urls import path

from accounts.views import account, household, joining, messages, people, signin, together

app_name = "accounts"
urlpatterns = [
    path("login", signin.login, name="login"),
    path("logout", signin.logout, name="logout"),
    path("setup/<str:token>", joining.setup, name="setup"),
    path("setup/<str:token>/app", joining.setup_app, name="setup-app"),
    path("invite/<str:token>", joining.invitation, name="invitation"),
    path("invite/<str:token>/app", joining.invitation_app, name="invitation-app"),
    path("account", account.account, name="account"),
    path("account/profile", account.profile, name="profile"),
    path("account/password", account.password, name="password"),
    path("account/app", account.app, name="app"),
    path("account/app/confirm", account.app_confirm, name="app-confirm"),
    path("account/recovery", account.recovery_codes, name="recovery"),
    path("account/messages", messages.overview, name="messages"),
    path("account/messages/new", messages.add, name="channel-new"),
    path("account/messages/<uuid:pk>", messages.channel, name="channel"),
    path("account/messages/<uuid:pk>/test", messages.test, name="channel-test"),
    path("account/messages/<uuid:pk>/pause", messages.pause, name="channel-pause"),
    path("account/messages/<uuid:pk>/remove", messages.remove, name="channel-remove"),
    path("people", people.people_list, name="people"),
    path("people/invite", people.invite, name="invite"),
    path("people/link", people.link, name="link"),
    path("people/links/<uuid:pk>/withdraw", people.withdraw, name="withdraw-link"),
    path("people/links/<uuid:pk>/anew", together.anew_one, name="anew-one"),
    path("people/together", together.invite, name="together"),
    path("people/groups/<uuid:pk>/links", together.sheet, name="links"),
    path("people/groups/<uuid:pk>/links.csv", together.sheet_csv, name="links-csv"),
    path("people/groups/<uuid:pk>/links/forget", together.forget, name="links-forget"),
    path("people/groups/<uuid:pk>/anew", together.anew, name="anew"),
    path("people/<uuid:pk>", people.person, name="person"),
    path("people/<uuid:pk>/active", people.person_active, name="person-active"),
    path("people/<uuid:pk>/reset", people.person_reset, name="person-reset"),
    path("household", household.household, name="household"),
]
