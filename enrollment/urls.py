"""The pages of requesters and officers."""

from django.urls import path

from enrollment.views import calendar, device, downloads, programs, progress, queue, reminders, requests

app_name = "enrollment"
urlpatterns = [
    path("requests/", requests.own, name="requests"),
    path("requests/new", requests.submit, name="submit"),
    path("requests/inspect", requests.inspect, name="inspect"),
    path("requests/<uuid:pk>", requests.detail, name="request"),
    path("requests/<uuid:pk>/state", requests.state, name="state"),
    path("requests/<uuid:pk>/finish", device.finish, name="device-finish"),
    path("requests/<uuid:pk>/installed", progress.installed, name="installed"),
    path("requests/<uuid:pk>/profile.mobileconfig", device.profile, name="device-profile"),
    path("requests/<uuid:pk>/withdraw", requests.withdraw, name="withdraw"),
    path("requests/<uuid:pk>/answer", requests.answer, name="answer"),
    path("requests/<uuid:pk>/qr", downloads.qr, name="qr"),
    path("requests/<uuid:pk>/certificate.<str:form>", downloads.download, name="download"),
    path("device", device.choose, name="device"),
    path("device/start", device.start, name="device-start"),
    path("device/link", device.link, name="device-link"),
    path("device/from/<str:token>", device.taken_over, name="device-from"),
    path("device/program", programs.program, name="program"),
    path("account/calendar", calendar.link, name="calendar"),
    path("account/calendar/withdraw", calendar.withdraw, name="calendar-withdraw"),
    path("calendar/<str:token>.ics", calendar.feed, name="calendar-feed"),
    path("household/reminders", reminders.reminders, name="reminders"),
    path("progress/", progress.everybody, name="progress"),
    path("progress/<uuid:pk>", progress.group, name="progress-group"),
    path("queue/", queue.queue, name="queue"),
    path("queue/batch", queue.batch, name="batch"),
    path("queue/<uuid:pk>", queue.review, name="review"),
    path("queue/<uuid:pk>/decide", queue.decide, name="decide"),
]
